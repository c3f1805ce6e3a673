/** Where an app listens: `'host:port'`, `':port'`, `'port'`, IPv6 in brackets. Port 0 picks a free one. */
import { uriHost } from '@hotaru/wire';
import { HotaruError } from './errors.js';
import { show } from './options.js';

export interface Binding {
  /** undefined: every interface. */
  readonly host: string | undefined;
  readonly port: number;
}

const FORM = /^(?:(?:\[([\da-f:.%\w]+)\]|([^\s:[\]/@]+))?:)?(\d{1,5})$/i;

/**
 * @throws HotaruError `HOTARU_INVALID_BINDING`
 * @example parseBinding('[::1]:3003'); // { host: '::1', port: 3003 }
 */
export function parseBinding(binding: string): Binding {
  const match = typeof (binding as unknown) === 'string' ? FORM.exec(binding) : null;
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new HotaruError(
      'HOTARU_INVALID_BINDING',
      `app.binding is ${show(binding)}; allowed: 'host:port', ':port' or 'port' with a port of 0 to 65535, and IPv6 in brackets: '[::1]:3003'`,
    );
  return { host: match[1] ?? match[2], port };
}

/** A URL at which this machine reaches it. */
export function bindingUrl(host: string | undefined, port: number): string {
  const isEverywhere = host === undefined || host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? 'localhost' : uriHost(host);
  return `http://${name}:${port}`;
}

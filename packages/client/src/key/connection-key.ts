/**
 * `ConnectionKey`: everything that makes two connections interchangeable. Host (lower case), port, and
 * `tls`: false, or the TLS identity. Two requests share a connection only if every setting that
 * changes trust is equal (docs/rules.md, rule 13).
 */
import { TlsIdentity, type TlsOptions } from './tls-identity.js';
import { withoutSecrets } from '../diagnostics/call-name.js';
import { invalidRequest } from '../errors.js';
import { authorityOf, canonicalHost, urlOf } from './host-name.js';
import { isRecord, ownOptions, show } from '../config/own-options.js';
import { INSPECT, shown, type InspectOptions } from '../diagnostics/inspect.js';

export interface ConnectionKeyParts {
  host: string;
  /** Default: 443 with TLS, 80 without. */
  port?: number | undefined;
  tls?: boolean | TlsOptions | undefined;
}

export class ConnectionKey {
  readonly host: string;
  readonly port: number;
  readonly tls: false | TlsIdentity;
  /** Opened under the SSRF guard: only public addresses. */
  readonly publicOnly: boolean;
  /**
   * Its connections carry raw bytes and nothing else: kept apart from those of calls, where calls may share
   * connections (HTTP/2).
   */
  readonly isRaw: boolean;
  /** Canonical text: equal ids mean interchangeable connections. */
  readonly id: string;

  private constructor(
    host: string,
    port: number,
    tls: false | TlsIdentity,
    publicOnly: boolean,
    isRaw = false,
  ) {
    this.host = host;
    this.port = port;
    this.tls = tls;
    const authority = authorityOf(host, port);
    this.publicOnly = publicOnly;
    const base = tls === false ? `http://${authority}` : `https://${authority}${tls.suffix}`;
    this.isRaw = isRaw;
    this.id = base + (publicOnly ? '#public' : '') + (isRaw ? '#raw' : '');
    Object.freeze(this);
  }

  [INSPECT](depth: number, options: InspectOptions): string {
    const { id, host, port, tls } = this;
    return shown('ConnectionKey', { id, host, port, tls }, depth, options);
  }

  /**
   * From a URL (`http:` or `https:`; its path is ignored), or from parts.
   *
   * @throws RequestError `HOTARU_INVALID_REQUEST` for another scheme, a bad host or a bad port.
   * @example ConnectionKey.from('https://api.example.com').id; // 'https://api.example.com:443'
   */
  static from(
    target: string | URL | ConnectionKey | ConnectionKeyParts,
    tls?: TlsOptions,
    publicOnly = false,
  ): ConnectionKey {
    if (target instanceof ConnectionKey) return target;
    if (typeof target === 'string' || target instanceof URL)
      return ConnectionKey.#fromUrl(parseUrl(target), tls, publicOnly);
    if (!isRecord(target))
      throw invalidRequest(
        `a connection key is made from a URL or { host, port, tls }, not ${show(target)}`,
      );
    const parts = ownOptions(target);
    const wanted = parts.tls ?? false;
    const options = wanted === true ? (tls ?? {}) : wanted;
    const host = checkHost(parts.host);
    const port = parts.port ?? (options === false ? 80 : 443);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw invalidRequest(`port ${show(port)} is not a whole number from 1 to 65535`);
    return new ConnectionKey(
      host,
      port,
      options === false ? false : TlsIdentity.from(host, options),
      publicOnly,
    );
  }

  /** The same, for raw bytes alone. */
  forRawBytes(): ConnectionKey {
    return new ConnectionKey(this.host, this.port, this.tls, this.publicOnly, true);
  }

  equals(other: ConnectionKey): boolean {
    return this.id === other.id;
  }

  toString(): string {
    return this.id;
  }

  static #fromUrl(url: URL, tls: TlsOptions | undefined, publicOnly: boolean): ConnectionKey {
    const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
    const isTls = url.protocol === 'https:';
    const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
    if (port === 0) throw invalidRequest('port 0 is not a whole number from 1 to 65535');
    return new ConnectionKey(
      host,
      port,
      isTls ? TlsIdentity.from(host, tls ?? {}, true) : false,
      publicOnly,
    );
  }
}

/** Parses an absolute http(s) URL; anything a browser would quietly repair is an error here. */
export function parseUrl(target: string | URL): URL {
  let url: URL;
  if (typeof target === 'string') {
    // The WHATWG parser drops tabs and newlines and trims blanks: a smuggler's friend.
    if (/[\u0000-\u0020\u007f\\]/.test(target))
      throw invalidRequest(
        `the URL ${JSON.stringify(withoutSecrets(target))} has a blank, control character or backslash; percent-encode it`,
      );
    refuseWithoutScheme(target);
    // Asked first: the parser's own error would carry the whole text, a password too, as a cause.
    // And what stands before a colon may be a user: it is shown as a scheme only where it must be one.
    const parsed = urlOf(target);
    if (parsed === undefined && /^https?:\/\//i.test(target))
      throw invalidRequest(
        `${JSON.stringify(withoutSecrets(target))} is no URL: it has no host, or a host or a port (1 to 65535) that cannot be`,
      );
    if (parsed === undefined || !/^(?:https?:|[a-z][a-z\d+.-]*:\/\/)/i.test(target))
      throw invalidRequest(
        `${JSON.stringify(withoutSecrets(target))} is not an absolute URL such as https://api.example.com`,
      );
    url = parsed;
  } else url = target;
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalidRequest(`${url.protocol}// is not supported; allowed: http, https`);
  if (url.username !== '' || url.password !== '')
    throw invalidRequest('a URL with a user or password is refused; send an authorization header');
  if (url.hostname === '')
    throw invalidRequest(`${JSON.stringify(withoutSecrets(url.href))} has no host`);
  return url;
}

/** `localhost:3000` would be a URL whose scheme is "localhost:". */
const HOST_AND_PORT = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}(?=$|[/?#])/i;

function refuseWithoutScheme(target: string): void {
  if (!HOST_AND_PORT.test(target)) return;
  const shown = withoutSecrets(target);
  throw invalidRequest(
    `${JSON.stringify(shown)} has no scheme; write http://${shown} or https://${shown}`,
  );
}

function checkHost(host: unknown): string {
  const canonical = typeof host === 'string' ? canonicalHost(host) : undefined;
  if (canonical === undefined)
    throw invalidRequest(`host must be a host name or an IP address, not ${show(host)}`);
  return canonical;
}

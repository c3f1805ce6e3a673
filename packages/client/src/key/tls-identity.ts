/**
 * A TLS identity: every setting that changes whom we trust or who we are. It is part of the connection
 * key, so a connection is never shared across identities (docs/rules.md, rule 13).
 */
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { didYouMean } from '../config/did-you-mean.js';
import { invalidRequest } from '../errors.js';
import { CONSTANTS } from '../config/constants.js';
import { ownOptions, show } from '../config/own-options.js';
import { INSPECT, shown, type InspectOptions } from '../diagnostics/inspect.js';
import { contextOf, digestOf, type TlsMaterial } from './tls-contexts.js';

export interface TlsOptions {
  /** Certificate authorities to trust in place of Node's own list (PEM). */
  ca?: string | Buffer | (string | Buffer)[] | undefined;
  /** Client certificate and key (PEM), for mTLS. Both or neither. */
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
  /** Pass phrase of `key`. */
  passphrase?: string | undefined;
  /** Name sent as SNI and checked against the certificate. Default: the host. */
  servername?: string | undefined;
  /** Default true. False accepts any certificate: for tests only. */
  rejectUnauthorized?: boolean | undefined;
  /**
   * Protocols offered (ALPN), the preferred one first. Default for calls `['h2', 'http/1.1']`, or `['http/1.1']` where
   * the setting `http2` is false; for connections by hand `['http/1.1']`, but of `acquireTls()` none. `[]` offers none, and calls speak
   * HTTP/1.1 then. Of a call, what is not built is not offered; a connection by hand may offer any.
   */
  alpn?: readonly string[] | undefined;
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

const ALLOWED = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'servername',
  'rejectUnauthorized',
  'alpn',
  'minVersion',
  'maxVersion',
] as const satisfies readonly (keyof TlsOptions)[];
const VERSIONS = ['TLSv1.2', 'TLSv1.3'];
/** Offered by default and at most by calls: only what is built is offered. */
export const BUILT_PROTOCOLS: readonly string[] = Object.freeze(['h2', 'http/1.1']);

export class TlsIdentity {
  /** '' for the default identity, so that the common key reads as a plain URL. */
  readonly suffix: string;
  readonly servername: string;
  readonly rejectUnauthorized: boolean;
  /** What was said of ALPN; undefined for the default, which the settings of the host decide at each dial. */
  readonly alpn: readonly string[] | undefined;
  readonly options: Readonly<TlsOptions>;
  /** Certificates parsed once, and held once, for all connections of this identity. */
  readonly context: SecureContext;

  private constructor(
    host: string,
    options: Readonly<TlsOptions>,
    alpn: readonly string[] | undefined,
  ) {
    this.options = options;
    this.servername = options.servername ?? host;
    this.rejectUnauthorized = options.rejectUnauthorized ?? true;
    this.alpn = alpn;
    const material = materialOf(options);
    const digest = digestOfMaterial(material);
    this.context = parsed(material, digest);
    this.suffix = suffixOf(host, this, Object.keys(material).length === 0 ? '' : digest);
    Object.freeze(this);
  }

  /**
   * @param forHttp Offer only protocols that calls can speak.
   * @throws RequestError `HOTARU_INVALID_REQUEST` naming the option and what is allowed.
   */
  static from(host: string, options: TlsOptions, forHttp = false): TlsIdentity {
    const own = typeof options === 'object' ? ownOptions(options) : options;
    check(own);
    const kept = copyOfTls(own);
    const alpn = kept.alpn === undefined || !forHttp ? kept.alpn : builtOf(kept.alpn);
    return new TlsIdentity(host, kept, alpn);
  }

  /** Which options were given, never what they hold: the key and its pass phrase are among them. */
  [INSPECT](depth: number, options: InspectOptions): string {
    const { servername, rejectUnauthorized, alpn } = this;
    const given = Object.keys(this.options).filter(
      (name) => this.options[name as keyof TlsOptions] !== undefined,
    );
    return shown('TlsIdentity', { servername, rejectUnauthorized, alpn, given }, depth, options);
  }

  /** SNI can't carry an IP address (RFC 6066 §3); the certificate is checked against it all the same. */
  get sni(): string {
    return isIP(this.servername) === 0 ? this.servername : '';
  }
}

const MATERIAL = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'minVersion',
  'maxVersion',
] as const satisfies readonly (keyof TlsOptions & keyof TlsMaterial)[];

function materialOf(options: Readonly<TlsOptions>): TlsMaterial {
  const said = MATERIAL.filter((name) => options[name] !== undefined);
  return Object.fromEntries(said.map((name) => [name, options[name]]));
}

function digestOfMaterial(material: TlsMaterial): string {
  const { ca, cert, key, passphrase, minVersion, maxVersion } = material as TlsOptions;
  const authorities = ca === undefined ? [] : Array.isArray(ca) ? ca : [ca];
  // An empty list trusts none; without a list, Node's own counts.
  const whose = ca === undefined ? undefined : 'ca';
  return digestOf([cert, key, passphrase, minVersion, maxVersion, whose, ...authorities]);
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` for PEM that is none, or a key that does not fit. */
function parsed(material: TlsMaterial, digest: string): SecureContext {
  try {
    return contextOf(material, digest);
  } catch (error) {
    throw invalidRequest(
      `tls: the certificates, key or versions don't work: ${(error as Error).message}`,
      error,
    );
  }
}

/** The caller may go on to change what it gave, a buffer in place, too. */
export function copyOfTls(options: TlsOptions): Readonly<TlsOptions> {
  const said = entriesOf(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, Array.isArray(value) ? value.map(copyOfOne) : copyOfOne(value)]);
  // Without a prototype: what Object.prototype was given is no setting.
  const copy: TlsOptions = Object.assign(
    Object.create(null) as TlsOptions,
    Object.fromEntries(said) as TlsOptions,
  );
  return Object.freeze(copy);
}

/** Those of a prototype, too (`Object.create(defaults)`): left out, they would widen whom we trust. */
function entriesOf(options: object): [name: string, value: unknown][] {
  const entries: [string, unknown][] = [];
  for (const name in options) entries.push([name, (options as Record<string, unknown>)[name]]);
  return entries;
}

function copyOfOne(value: unknown): unknown {
  return Buffer.isBuffer(value) ? Buffer.from(value) : value;
}

/** Do options say what those of an identity say? By content: a text of PEM is compared in no time when it is the same one. */
export function isSameTls(kept: Readonly<TlsOptions>, given: TlsOptions): boolean {
  let said = 0;
  for (const name in given) {
    const value = given[name as keyof TlsOptions];
    if (value === undefined) continue;
    if (!isSameValue(kept[name as keyof TlsOptions], value)) return false;
    said += 1;
  }
  return said === Object.keys(kept).length;
}

function isSameValue(kept: unknown, given: unknown): boolean {
  if (kept === given) return true;
  if (Array.isArray(kept) && Array.isArray(given))
    return kept.length === given.length && kept.every((one, i) => isSameValue(one, given[i]));
  return Buffer.isBuffer(kept) && Buffer.isBuffer(given) && kept.equals(given);
}

/** `own` laid over `base`, setting by setting; what is undefined in `own` is not said. */
export function overlayTls(
  base: TlsOptions | undefined,
  own: TlsOptions | undefined,
): TlsOptions | undefined {
  if (base === undefined || own === undefined) return own ?? base;
  const said = entriesOf(own).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(said) };
}

/** Undefined for what is the default anyway, however it was spelled. */
function builtOf(alpn: readonly string[]): readonly string[] | undefined {
  // A name said twice is offered once, or the same offer would have two sets of connections.
  const usable = [...new Set(alpn)].filter((name) => BUILT_PROTOCOLS.includes(name));
  if (usable.length === 0 && alpn.length > 0)
    throw invalidRequest(
      `tls.alpn ${JSON.stringify(alpn)} offers nothing that is built; allowed: ${BUILT_PROTOCOLS.join(', ')}, or [] for none`,
    );
  return usable.join() === BUILT_PROTOCOLS.join() ? undefined : usable;
}

function suffixOf(host: string, identity: TlsIdentity, material: string): string {
  const { servername, rejectUnauthorized } = identity;
  const alpn = identity.alpn?.join(',');
  if (material === '' && servername === host && rejectUnauthorized) {
    if (alpn === undefined) return '';
    // In words where that is safe: the usual way to narrow it should read well in statistics.
    if (identity.alpn?.every((name) => BUILT_PROTOCOLS.includes(name)) === true)
      return `#alpn-${alpn === '' ? 'none' : alpn}`;
  }
  return `#tls-${digestOf([material, servername, String(rejectUnauthorized), alpn]).slice(0, 32)}`;
}

function check(options: unknown): asserts options is TlsOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidRequest('tls must be an object of TLS settings');
  for (const [name, value] of entriesOf(options)) {
    if (value === undefined) continue;
    if (!(ALLOWED as readonly string[]).includes(name))
      throw invalidRequest(
        `tls.${name} is not a setting${didYouMean(name, ALLOWED)}; allowed: ${ALLOWED.join(', ')}`,
      );
    if (!isGood(name, value))
      throw invalidRequest(
        `tls.${name} ${isPublic(name) ? `is ${shownValue(value)}` : 'has a bad value'}; allowed: ${WANTED[name] ?? 'PEM text or bytes'}`,
      );
  }
  const { cert, key } = options as TlsOptions;
  if ((cert === undefined) !== (key === undefined))
    throw invalidRequest('tls.cert and tls.key go together: give both or neither');
  for (const name of ['ca', 'cert', 'key'] as const)
    if (![(options as TlsOptions)[name] ?? []].flat().every(holdsPem))
      throw invalidRequest(
        `tls.${name} holds no PEM (no "-----BEGIN"): give what is in the file, such as readFileSync(path)`,
      );
}

/** A path is taken for an authority that signed nothing: the certificate of the peer would be blamed. */
function holdsPem(value: string | Buffer): boolean {
  return value.includes('-----BEGIN');
}

/** May its value be shown? */
function isPublic(name: string): boolean {
  return ['servername', 'rejectUnauthorized', 'alpn', 'minVersion', 'maxVersion'].includes(name);
}

function shownValue(value: unknown): string {
  if (!Array.isArray(value)) return show(value).slice(0, CONSTANTS.maxShownSettingChars);
  return `[${value.map(show).join(', ').slice(0, CONSTANTS.maxShownSettingChars)}]`;
}

const WANTED: Record<string, string> = {
  servername: 'a host name',
  passphrase: 'text',
  rejectUnauthorized: 'true or false',
  alpn: 'a list of protocol names of 1 to 255 bytes, of which calls offer h2 and http/1.1; [] offers none',
  minVersion: VERSIONS.join(' or '),
  maxVersion: VERSIONS.join(' or '),
  ca: 'PEM text or bytes, or a list of them',
};

function isGood(name: string, value: unknown): boolean {
  // An empty one is a setting that went missing; Node would take it for none.
  const isPem = (one: unknown): boolean =>
    (typeof one === 'string' || Buffer.isBuffer(one)) && one.length > 0;
  switch (name) {
    case 'ca':
      return Array.isArray(value) ? value.every(isPem) : isPem(value);
    case 'cert':
    case 'key':
      return isPem(value);
    case 'servername':
      return typeof value === 'string' && /^[^\s/@]+$/.test(value);
    case 'passphrase':
      return typeof value === 'string';
    case 'rejectUnauthorized':
      return typeof value === 'boolean';
    case 'alpn':
      return Array.isArray(value) && value.every(isProtocolName);
    default:
      return VERSIONS.includes(value as string);
  }
}

/** RFC 7301 §3.1. */
function isProtocolName(value: unknown): boolean {
  return (
    typeof value === 'string' && /^[\u0021-\u007e]{1,255}$/.test(value) && !value.includes(',')
  );
}

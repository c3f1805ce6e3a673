/**
 * A TLS identity: every setting that changes whom we trust or who we are. It is part of the connection
 * key, so a connection is never shared across identities (docs/rules.md, rule 13).
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import tls, { type SecureContext } from 'node:tls';
import { invalidRequest } from '../errors.js';
import { ownOptions } from '../own-options.js';
import { INSPECT, shown, type InspectOptions } from '../inspect.js';

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
  /** Protocols offered. Default and, until HTTP/2 is built, only possible entry: `http/1.1`. */
  alpn?: string[] | undefined;
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
/** Offered by default and at most: only what is built is offered. */
const BUILT_PROTOCOLS = ['http/1.1'];

export class TlsIdentity {
  /** '' for the default identity, so that the common key reads as a plain URL. */
  readonly suffix: string;
  readonly servername: string;
  readonly rejectUnauthorized: boolean;
  readonly alpn: readonly string[];
  readonly options: Readonly<TlsOptions>;
  /** Certificates parsed once, and held once, for all connections of this identity. */
  readonly context: SecureContext;

  private constructor(host: string, options: TlsOptions) {
    this.options = Object.freeze({ ...options });
    this.servername = options.servername ?? host;
    this.rejectUnauthorized = options.rejectUnauthorized ?? true;
    this.alpn = offered(options.alpn);
    this.context = contextOf(options);
    this.suffix = suffixOf(host, this);
    Object.freeze(this);
  }

  /** @throws RequestError `HOTARU_INVALID_REQUEST` naming the option and what is allowed. */
  static from(host: string, options: TlsOptions): TlsIdentity {
    const known = KNOWN.get(options);
    // The same object may have been changed since: compare what it says with what was said.
    if (known?.host === host && isSame(known.identity.options, options)) return known.identity;
    check(options);
    const identity = new TlsIdentity(host, ownOptions(options));
    KNOWN.set(options, { host, identity });
    return identity;
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

let defaultContext: SecureContext | undefined;

/** @throws RequestError `HOTARU_INVALID_REQUEST` for PEM that is none, or a key that does not fit. */
function contextOf(options: TlsOptions): SecureContext {
  const { ca, cert, key, passphrase, minVersion, maxVersion } = options;
  const own = { ca, cert, key, passphrase, minVersion, maxVersion };
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0) return (defaultContext ??= tls.createSecureContext());
  try {
    return tls.createSecureContext(given);
  } catch (error) {
    throw invalidRequest(
      `tls: the certificates, key or versions don't work: ${(error as Error).message}`,
      error,
    );
  }
}

/** `own` laid over `base`, setting by setting; what is undefined in `own` is not said. */
export function overlayTls(
  base: TlsOptions | undefined,
  own: TlsOptions | undefined,
): TlsOptions | undefined {
  if (base === undefined || own === undefined) return own ?? base;
  const said = Object.entries(own).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(said) };
}

/** Hashing a certificate for every request would cost more than the request. */
const KNOWN = new WeakMap<TlsOptions, { host: string; identity: TlsIdentity }>();

function isSame(a: Readonly<TlsOptions>, b: TlsOptions): boolean {
  return (
    ALLOWED.every((name) => a[name] === b[name]) && !Array.isArray(b.ca) && !Array.isArray(b.alpn)
  );
}

function offered(alpn: string[] | undefined): readonly string[] {
  if (alpn === undefined) return BUILT_PROTOCOLS;
  const usable = alpn.filter((name) => BUILT_PROTOCOLS.includes(name));
  if (usable.length === 0)
    throw invalidRequest(
      `tls.alpn ${JSON.stringify(alpn)} offers nothing that is built; allowed: ${BUILT_PROTOCOLS.join(', ')}`,
    );
  return usable;
}

function suffixOf(host: string, identity: TlsIdentity): string {
  const { options } = identity;
  const isDefault =
    identity.servername === host &&
    identity.rejectUnauthorized &&
    ALLOWED.every(
      (name) =>
        options[name] === undefined ||
        name === 'servername' ||
        name === 'rejectUnauthorized' ||
        name === 'alpn',
    );
  if (isDefault) return '';
  const hash = createHash('sha256');
  // Length before text, so that no two identities can spell the same bytes.
  const add = (value: string | Buffer | undefined): void => {
    hash.update(value === undefined ? '-;' : `${Buffer.byteLength(value)};`);
    if (value !== undefined) hash.update(value);
  };
  const ca = options.ca;
  const cas = ca === undefined ? [] : Array.isArray(ca) ? ca : [ca];
  add(String(cas.length));
  for (const one of cas) add(one);
  add(options.cert);
  add(options.key);
  add(options.passphrase);
  add(identity.servername);
  add(String(identity.rejectUnauthorized));
  add(options.minVersion);
  add(options.maxVersion);
  add(identity.alpn.join(','));
  return `#tls-${hash.digest('hex').slice(0, 32)}`;
}

function check(options: unknown): asserts options is TlsOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidRequest('tls must be an object of TLS settings');
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!(ALLOWED as readonly string[]).includes(name))
      throw invalidRequest(`tls.${name} is not a setting; allowed: ${ALLOWED.join(', ')}`);
    if (!isGood(name, value))
      throw invalidRequest(
        `tls.${name} has a bad value; allowed: ${WANTED[name] ?? 'PEM text or bytes'}`,
      );
  }
  const { cert, key } = options as TlsOptions;
  if ((cert === undefined) !== (key === undefined))
    throw invalidRequest('tls.cert and tls.key go together: give both or neither');
}

const WANTED: Record<string, string> = {
  servername: 'a host name',
  passphrase: 'text',
  rejectUnauthorized: 'true or false',
  alpn: 'a list of protocol names',
  minVersion: VERSIONS.join(' or '),
  maxVersion: VERSIONS.join(' or '),
  ca: 'PEM text or bytes, or a list of them',
};

function isGood(name: string, value: unknown): boolean {
  const isPem = (one: unknown): boolean => typeof one === 'string' || Buffer.isBuffer(one);
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
      return Array.isArray(value) && value.every((one) => typeof one === 'string');
    default:
      return VERSIONS.includes(value as string);
  }
}

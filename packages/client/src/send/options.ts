/**
 * The options of one call, checked. Durations may be text (`'5s'`); an unknown key is an error.
 */
import { parseDuration, type Duration } from '../config/duration.js';
import { parseSize, type Size } from '../config/size.js';
import type { TlsOptions } from '../key/tls-identity.js';
import { didYouMean } from '../config/did-you-mean.js';
import { invalidRequest } from '../errors.js';
import { isRecord, ownOptions, show } from '../config/own-options.js';
import type { ResponseHeaders } from '../message/response-headers.js';

export interface SendOptions {
  /** Aborts the call in whatever state it is; the rejection is the signal's own reason. */
  signal?: AbortSignal | undefined;
  /** The whole call, body included. Default: the pool's `timeout` (none). */
  timeout?: Duration | undefined;
  /** The wait for a connection that is being dialled. Default: the pool's `connectTimeout` (30 s). */
  connectTimeout?: Duration | undefined;
  /** From the request written (the body, too) to the response head. Default: the pool's `headersTimeout` (30 s). */
  headersTimeout?: Duration | undefined;
  /**
   * The longest pause inside a body: of a response while it is being read, of a request while the peer takes
   * none of it. Every piece that moves starts it anew; the time your own body stream takes is not on it.
   * Default: the pool's `bodyTimeout` (30 s).
   */
  bodyTimeout?: Duration | undefined;
  /**
   * Bytes, or text such as `'10mb'`, of the response body as the caller gets it: after its codings were undone, or as it came where
   * `decompress` is off. More is `HOTARU_RESPONSE_TOO_LARGE`, with the head if that announces it.
   * Default: the pool's `maxResponseSize` (none).
   */
  maxResponseSize?: Size | undefined;
  /** Sent as `Idempotency-Key`; makes a POST safe to replay on a connection that turned out dead. */
  idempotencyKey?: string | undefined;
  /** TLS settings; they are part of the connection's identity. */
  tls?: TlsOptions | undefined;
  /** `'follow'` follows up to ten redirects. Default `'manual'`: a 3xx is a response like any other. */
  redirect?: 'manual' | 'follow' | undefined;
  /**
   * Offer gzip, deflate and br, and undo what the peer applied. Default true; the response then has
   * neither `content-encoding` nor the `content-length` of the packed body.
   */
  decompress?: boolean | undefined;
  /** `untrusted: true` for URLs that come from outside: only public addresses are connected to. */
  safety?: SafetyOptions | undefined;
  /** Told of each 1xx response before the final one: 100, 102, 103 Early Hints. */
  onInformational?: ((status: number, headers: ResponseHeaders) => void) | undefined;
}

export interface SafetyOptions {
  /** Refuse loopback, private, link-local, CGNAT, metadata and other special addresses, after DNS. */
  untrusted?: boolean | undefined;
}

/** Options as the code reads them: ms, undefined where the pool's setting applies. */
export interface CheckedOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly headersTimeoutMs: number | undefined;
  readonly bodyTimeoutMs: number | undefined;
  readonly maxResponseSize: number | undefined;
  readonly idempotencyKey: string | undefined;
  readonly tls: TlsOptions | undefined;
  readonly followsRedirects: boolean;
  readonly decompresses: boolean;
  readonly publicOnly: boolean;
  readonly onInformational: ((status: number, headers: ResponseHeaders) => void) | undefined;
}

const ALLOWED = [
  'signal',
  'timeout',
  'connectTimeout',
  'headersTimeout',
  'bodyTimeout',
  'maxResponseSize',
  'idempotencyKey',
  'tls',
  'redirect',
  'decompress',
  'safety',
  'onInformational',
] as const satisfies readonly (keyof SendOptions)[];

const NONE: CheckedOptions = Object.freeze({
  signal: undefined,
  timeoutMs: undefined,
  connectTimeoutMs: undefined,
  headersTimeoutMs: undefined,
  bodyTimeoutMs: undefined,
  maxResponseSize: undefined,
  idempotencyKey: undefined,
  tls: undefined,
  followsRedirects: false,
  decompresses: true,
  publicOnly: false,
  onInformational: undefined,
});

/** @throws RequestError `HOTARU_INVALID_REQUEST` naming the option, its value and what is allowed. */
export function checkOptions(options: SendOptions | undefined): CheckedOptions {
  if (options === undefined) return NONE;
  if (typeof options !== 'object' || (options as unknown) === null || Array.isArray(options))
    throw invalidRequest(`the options of a call must be an object, not ${show(options)}`);
  for (const name in options)
    if (!(ALLOWED as readonly string[]).includes(name))
      throw invalidRequest(
        `the option ${name} is not known${didYouMean(name, ALLOWED)}; allowed: ${ALLOWED.join(', ')}${aboutProtocol(name)}`,
      );
  checkBehaviour(options);
  if (options.tls !== undefined && !isRecord(options.tls))
    throw invalidRequest(
      `the option tls must be an object of TLS settings, not ${show(options.tls)}`,
    );
  const { signal, idempotencyKey } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidRequest('the option signal must be an AbortSignal');
  if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || idempotencyKey === ''))
    throw invalidRequest('the option idempotencyKey must be text');
  return {
    signal,
    timeoutMs: durationOf('timeout', options.timeout),
    connectTimeoutMs: durationOf('connectTimeout', options.connectTimeout),
    headersTimeoutMs: durationOf('headersTimeout', options.headersTimeout),
    bodyTimeoutMs: durationOf('bodyTimeout', options.bodyTimeout),
    maxResponseSize: sizeOf('maxResponseSize', options.maxResponseSize),
    idempotencyKey,
    tls: options.tls === undefined ? undefined : ownOptions(options.tls),
    followsRedirects: options.redirect === 'follow',
    decompresses: options.decompress ?? true,
    publicOnly: options.safety !== undefined && ownOptions(options.safety).untrusted === true,
    onInformational: options.onInformational,
  };
}

function aboutProtocol(name: string): string {
  if (name !== 'http2' && name !== 'alpn') return '';
  return `; http2 is a setting of the pool and its hosts, and one call is narrowed by tls: { alpn: ['http/1.1'] }`;
}

function checkBehaviour(options: SendOptions): void {
  const { redirect, decompress, safety, onInformational } = options as Record<string, unknown>;
  if (redirect !== undefined && redirect !== 'manual' && redirect !== 'follow')
    throw invalidRequest(`the option redirect is ${show(redirect)}; allowed: 'manual', 'follow'`);
  if (decompress !== undefined && typeof decompress !== 'boolean')
    throw invalidRequest(`the option decompress is ${show(decompress)}; allowed: true, false`);
  if (onInformational !== undefined && typeof onInformational !== 'function')
    throw invalidRequest('the option onInformational must be a function');
  if (safety === undefined) return;
  if (typeof safety !== 'object' || safety === null)
    throw invalidRequest('the option safety must be an object: { untrusted: true }');
  for (const [name, value] of Object.entries(safety))
    if (name !== 'untrusted' || (value !== undefined && typeof value !== 'boolean'))
      throw invalidRequest(
        `the option safety.${name} is not known or no boolean; allowed: untrusted: true`,
      );
}

function sizeOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const bytes = parseSize(value);
  if (bytes === undefined)
    throw invalidRequest(
      `the option ${name} is ${show(value)}; ` +
        "allowed: a number of bytes, or text like '10mb', or Infinity for no limit",
    );
  return bytes;
}

export function durationOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms === undefined || ms <= 0)
    throw invalidRequest(
      `the option ${name} is ${show(value)}; ` +
        "allowed: milliseconds above 0, or text like '5s', or Infinity for none",
    );
  return ms;
}

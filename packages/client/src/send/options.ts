/**
 * The options of one call, checked. Durations may be text (`'5s'`); an unknown key is an error.
 */
import { parseDuration, type Duration } from '../config/duration.js';
import type { TlsOptions } from '../connection/tls-identity.js';
import { invalidRequest } from '../errors.js';

export interface SendOptions {
  /** Aborts the call in whatever state it is; the rejection is the signal's own reason. */
  signal?: AbortSignal | undefined;
  /** The whole call, body included. Default: the pool's `timeout` (none). */
  timeout?: Duration | undefined;
  /** The wait for a connection that is being dialled. Default: the pool's `connectionTimeout`. */
  connectTimeout?: Duration | undefined;
  /** From the request written to the response head. Default: the pool's `headersTimeout` (30 s). */
  headersTimeout?: Duration | undefined;
  /** The longest pause inside a body that is being read or sent. Default: the pool's `bodyTimeout` (30 s). */
  bodyTimeout?: Duration | undefined;
  /** Bytes of the response body. Default: the pool's `maxResponseSize` (none). */
  maxResponseSize?: number | undefined;
  /** Sent as `Idempotency-Key`; makes a POST safe to replay on a connection that turned out dead. */
  idempotencyKey?: string | undefined;
  /** TLS settings; they are part of the connection's identity. */
  tls?: TlsOptions | undefined;
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
});

/** @throws RequestError `HOTARU_INVALID_REQUEST` naming the option, its value and what is allowed. */
export function checkOptions(options: SendOptions | undefined): CheckedOptions {
  if (options === undefined) return NONE;
  if (typeof options !== 'object' || (options as unknown) === null)
    throw invalidRequest('the options of a call must be an object');
  for (const name in options)
    if (!(ALLOWED as readonly string[]).includes(name))
      throw invalidRequest(`the option ${name} is not known; allowed: ${ALLOWED.join(', ')}`);
  const { signal, idempotencyKey, maxResponseSize } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalidRequest('the option signal must be an AbortSignal');
  if (idempotencyKey !== undefined && (typeof idempotencyKey !== 'string' || idempotencyKey === ''))
    throw invalidRequest('the option idempotencyKey must be text');
  if (
    maxResponseSize !== undefined &&
    !(typeof maxResponseSize === 'number' && maxResponseSize >= 0)
  )
    throw invalidRequest(
      `the option maxResponseSize is ${String(maxResponseSize)}; allowed: a number of bytes`,
    );
  return {
    signal,
    timeoutMs: durationOf('timeout', options.timeout),
    connectTimeoutMs: durationOf('connectTimeout', options.connectTimeout),
    headersTimeoutMs: durationOf('headersTimeout', options.headersTimeout),
    bodyTimeoutMs: durationOf('bodyTimeout', options.bodyTimeout),
    maxResponseSize,
    idempotencyKey,
    tls: options.tls,
  };
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

function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? JSON.stringify(value) : typeof value;
}

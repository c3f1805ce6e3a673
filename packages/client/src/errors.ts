/**
 * Every error this package can reject with: one table of codes, one class per family.
 *
 * A caller decides on facts, not on message text: `code` is stable, `phase` says how far the call
 * came, and `retrySafe` is true only when sending the same request again cannot do its work twice.
 *
 * In no folder, because all of them throw these.
 */

/** How far a call came before it failed. */
export type Phase = 'queue' | 'dns' | 'connect' | 'tls' | 'send' | 'headers' | 'body';

/** The one table of codes: code → when you see it. */
export const ERROR_CODES = Object.freeze({
  HOTARU_POOL_EXHAUSTED: 'the queue of waiters for this host is full (`maxPending`)',
  HOTARU_POOL_CLOSED: 'the pool is draining or closed and admits no more work',
  HOTARU_ACQUIRE_TIMEOUT: 'no connection became free within `acquireTimeout`',
  HOTARU_CONNECT_TIMEOUT: 'DNS, TCP and TLS not done within `connectTimeout` or `acquireTimeout`',
  HOTARU_CONNECT_FAILED:
    'the name did not resolve, or the peer refused the connection or its protocol',
  HOTARU_TLS_FAILED: 'the TLS handshake or the check of the certificate failed',
  HOTARU_BLOCKED_ADDRESS: 'the address connected to is not public (`safety: { untrusted: true }`)',
  HOTARU_HEADERS_TIMEOUT: 'the response head did not arrive in time',
  HOTARU_BODY_TIMEOUT: 'the response body stalled, or the peer stopped taking the request body',
  HOTARU_DEADLINE_EXCEEDED: 'the total time for the call ran out',
  HOTARU_ABORTED: 'the call was aborted and its signal carried no reason of its own',
  HOTARU_CONNECTION_CLOSED: 'the peer closed or reset the connection in the middle of the exchange',
  HOTARU_PROTOCOL_ERROR: 'the peer sent what HTTP does not allow',
  HOTARU_RESPONSE_TOO_LARGE: 'the response body is larger than `maxResponseSize`',
  HOTARU_INVALID_REQUEST: 'the request, its body or an option is not sendable as given',
  HOTARU_REQUEST_BODY_FAILED: 'the stream given as request body failed; its error is the `cause`',
  HOTARU_BODY_USED: 'the response body was already read or given up',
  HOTARU_INVALID_CONFIG: 'an unknown configuration key or a bad value',
  HOTARU_INVALID_STATE: 'the call does not fit the state of the object it was made on',
  HOTARU_DECODE_FAILED: 'the body could not be decoded (content-encoding or JSON)',
  HOTARU_TOO_MANY_REDIRECTS: 'more than ten redirects in a row',
} as const);

export type ErrorCode = keyof typeof ERROR_CODES;

/** One earlier try of the same call, as listed in `error.attempts` and `response.attempts`. */
export interface Attempt {
  readonly connectionId: number | undefined;
  readonly reusedConnection: boolean;
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a caller needs to decide what to do next. All optional when an error is made; filled in once. */
export interface ErrorFacts {
  cause?: unknown;
  phase?: Phase;
  /** Bytes of the request handed to the socket. */
  bytesSent?: number;
  responseStarted?: boolean;
  reusedConnection?: boolean;
  retrySafe?: boolean;
  attempts?: readonly Attempt[];
}

/**
 * The base of every rejection of this package.
 *
 * It names its call: in `method`, `origin` and `path`, and at the start of the message, such as
 * `GET https://api.example.com/users/7: no answer within 300 ms`. Its stack has the lines of the code that
 * awaits the call (when that is not known: see call-stack.ts).
 *
 * @example
 * try { await sendRequest(url); } catch (error) {
 *   if (error instanceof HotaruClientError && error.retrySafe) return again();
 * }
 */
export class HotaruClientError extends Error {
  override readonly name: string = 'HotaruClientError';
  readonly code: ErrorCode;
  /** Of the call that failed; undefined for raw connections, and for errors that are about no call. */
  method: string | undefined = undefined;
  /** `https://api.example.com`, without credentials. */
  origin: string | undefined = undefined;
  /** Without the query, which may carry secrets. */
  path: string | undefined = undefined;
  /** A name for what it was sent to. For code that wraps calls, to be set there: this package leaves it undefined. */
  upstream: string | undefined = undefined;
  /** Which of several targets of that upstream was chosen. As `upstream`, for wrappers. */
  target: string | undefined = undefined;
  phase: Phase | undefined;
  /** ms from the call to its failure; undefined for what is not about a call that began. */
  elapsedMs: number | undefined = undefined;
  bytesSent: number;
  responseStarted: boolean;
  reusedConnection: boolean;
  retrySafe: boolean;
  attempts: readonly Attempt[];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.phase = facts.phase;
    this.bytesSent = facts.bytesSent ?? 0;
    this.responseStarted = facts.responseStarted ?? false;
    this.reusedConnection = facts.reusedConnection ?? false;
    this.retrySafe = facts.retrySafe ?? false;
    this.attempts = facts.attempts ?? [];
  }

  /** One failed dial may end many calls; each gets an error of its own to write its facts on. */
  copy(): this {
    const own = Object.getOwnPropertyDescriptors(this);
    const copied = Object.create(Object.getPrototypeOf(this) as object, own) as this;
    // In newer versions of V8 an accessor that only works on the original.
    Object.defineProperty(copied, 'stack', {
      value: this.stack,
      writable: true,
      configurable: true,
      enumerable: false,
    });
    return copied;
  }
}

/** What the pool looked like for one host when it had to say no. */
export interface PoolSnapshot {
  readonly key: string;
  readonly active: number;
  readonly idle: number;
  readonly connecting: number;
  readonly waiting: number;
  readonly oldestWaitMs: number;
  readonly maxPerHost: number;
}

/** POOL_EXHAUSTED, POOL_CLOSED, ACQUIRE_TIMEOUT: the pool could not hand out a connection. */
export class PoolError extends HotaruClientError {
  override readonly name = 'PoolError';
  readonly snapshot: PoolSnapshot | undefined;

  constructor(code: ErrorCode, message: string, snapshot?: PoolSnapshot, facts: ErrorFacts = {}) {
    super(code, message, { phase: 'queue', retrySafe: true, ...facts });
    this.snapshot = snapshot;
  }
}

/** CONNECT_FAILED, CONNECT_TIMEOUT, TLS_FAILED, BLOCKED_ADDRESS: a dial went wrong. Nothing of a request was sent. */
export class ConnectError extends HotaruClientError {
  override readonly name = 'ConnectError';

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, { phase: 'connect', retrySafe: true, ...facts });
  }
}

/** HEADERS_TIMEOUT, BODY_TIMEOUT, DEADLINE_EXCEEDED, ABORTED: the caller's patience ended. */
export class TimeoutError extends HotaruClientError {
  override readonly name = 'TimeoutError';
}

/** The call was aborted without a reason of the caller's own. */
export class AbortedError extends HotaruClientError {
  override readonly name = 'AbortError';

  constructor(message = 'the call was aborted', facts: ErrorFacts = {}) {
    super('HOTARU_ABORTED', message, facts);
  }
}

/** CONNECTION_CLOSED, PROTOCOL_ERROR, RESPONSE_TOO_LARGE, DECODE_FAILED: the peer's side of it. */
export class TransportError extends HotaruClientError {
  override readonly name = 'TransportError';
}

/** INVALID_REQUEST, REQUEST_BODY_FAILED, INVALID_STATE, BODY_USED: the caller's side of it. */
export class RequestError extends HotaruClientError {
  override readonly name = 'RequestError';
}

/** INVALID_CONFIG: names the key, the value and what is allowed. */
export class ConfigError extends HotaruClientError {
  override readonly name = 'ConfigError';
  readonly key: string;

  constructor(key: string, message: string, facts: ErrorFacts = {}) {
    super('HOTARU_INVALID_CONFIG', message, facts);
    this.key = key;
  }
}

export function invalidRequest(message: string, cause?: unknown): RequestError {
  return new RequestError('HOTARU_INVALID_REQUEST', message, cause === undefined ? {} : { cause });
}

/**
 * The one table of settings: what each is, its default, what is allowed, and why the default is what
 * it is. Validation, the environment, YAML files and the docs are all read from this table, so a
 * setting is added in one place.
 *
 * Units: durations are milliseconds (or `'90s'`), sizes are bytes (or `'10mb'`). Where 0 has a meaning, it is "off".
 */

export type SettingKind = 'count' | 'duration' | 'bytes' | 'boolean' | 'choice';

export interface Setting {
  readonly kind: SettingKind;
  readonly default: number | boolean | string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Counts and durations for which `Infinity` is allowed: no limit. */
  readonly unlimited?: boolean;
  /** May it differ per host (`config.hosts[...]`)? */
  readonly perHost: boolean;
  readonly what: string;
  readonly why: string;
}

const MIB = 1_048_576;
/** Node's timers take a signed 32-bit number of milliseconds; above it they fire at once. */
const MAX_TIMER_MS = 2_147_483_647;

function count(value: number, min: number, max: number, what: string, why: string): Setting {
  return { kind: 'count', default: value, min, max, perHost: true, what, why };
}
function duration(value: number, min: number, what: string, why: string): Setting {
  return {
    kind: 'duration',
    default: value,
    min,
    max: MAX_TIMER_MS,
    unlimited: true,
    perHost: true,
    what,
    why,
  };
}

export const SETTINGS = Object.freeze({
  maxPerHost: count(
    128,
    1,
    65_535,
    'connections to one host: idle, active and dialling together',
    'peers default to no limit and run out of sockets under a burst',
  ),
  maxIdlePerHost: count(
    32,
    0,
    65_535,
    'idle connections kept per host; the oldest above it is evicted',
    'enough for a steady load; a burst leaves nothing behind',
  ),
  maxTotal: {
    ...count(
      1_024,
      1,
      1_000_000,
      'connections of the whole pool',
      'the usual soft limit of open files is 1024; the longest idle one anywhere makes room',
    ),
    perHost: false,
  },
  maxPending: count(
    1_024,
    0,
    1_000_000,
    'requests that may wait for a connection to one host',
    'an unbounded queue hides an overload until memory ends; 0 never waits',
  ),
  maxDialing: count(
    8,
    1,
    1_024,
    'connections being dialled to one host at a time',
    'a thousand cold requests must not make a thousand handshakes',
  ),
  minIdle: count(
    0,
    0,
    65_535,
    'idle connections the sweeper keeps ready for a host in use',
    'an unused connection is a cost; opt in',
  ),
  acquireTimeout: duration(
    10_000,
    1,
    'the longest wait for a connection',
    'a caller should hear of an overload while it can still act on it',
  ),
  connectTimeout: duration(
    30_000,
    1,
    'one dial, with DNS and TLS',
    'slow enough for a lossy link, and the waiter has its own, shorter clocks',
  ),
  idleTimeout: duration(
    90_000,
    1,
    'how long an idle connection is kept; a Keep-Alive hint can shorten it',
    'below the idle timeout of the common load balancers and NATs',
  ),
  maxLifetime: duration(
    300_000,
    1,
    'age at which a connection is no longer reused, ±10 % for each',
    'DNS and load balancers change; the spread keeps connections from ending all at once',
  ),
  maxRequestsPerConnection: {
    ...count(
      Infinity,
      1,
      Infinity,
      'requests on one connection',
      'the peer says when it has had enough',
    ),
    unlimited: true,
  },
  headersTimeout: duration(
    30_000,
    1,
    'from the request written to the response head',
    'a healthy service starts to answer well within it',
  ),
  bodyTimeout: duration(
    30_000,
    1,
    'the longest pause between two pieces of a body that is being read',
    'long streams live; stalled ones end',
  ),
  timeout: duration(
    Infinity,
    1,
    'the whole call, redirects and replays included',
    'streams have no natural end; a handler’s deadline bounds calls made in it',
  ),
  maxResponseSize: {
    kind: 'bytes',
    default: Infinity,
    min: 1,
    max: Infinity,
    unlimited: true,
    perHost: true,
    what: 'bytes of one response body, decoded',
    why: 'a stream is read under backpressure and costs no memory',
  },
  maxBufferedSize: {
    kind: 'bytes',
    default: 128 * MIB,
    min: 1,
    max: Infinity,
    unlimited: true,
    perHost: true,
    what: 'bytes that text(), json() and bytes() collect in memory',
    why: 'one answer should not take the process down',
  },
  cleanupInterval: {
    ...duration(30_000, 10, 'the longest pause between two sweeps', 'a sweep is cheap'),
    perHost: false,
    unlimited: false,
  },
  enablePooling: {
    kind: 'boolean',
    default: true,
    perHost: true,
    what: 'reuse connections; off, each request dials and closes its own',
    why: 'reuse is what a pool is for',
  },
  reportLeaks: {
    kind: 'boolean',
    default: process.env.NODE_ENV === 'development',
    perHost: true,
    what: 'warn of unread bodies and of leases not given back, with the line',
    why: 'it costs a stack trace for each call: on when NODE_ENV is development',
  },
  order: {
    kind: 'choice',
    choices: ['fifo', 'lifo'],
    default: 'fifo',
    perHost: true,
    what: 'which idle connection is taken first: the one idle longest, or shortest',
    why: 'FIFO keeps every connection warm and spreads load; LIFO lets a pool shrink sooner',
  },
} satisfies Record<string, Setting>);

export type SettingName = keyof typeof SETTINGS;

/** Old names that are still taken, wherever a setting can be given. */
export const OLD_NAMES = Object.freeze({
  connectionTimeout: 'connectTimeout',
} as const satisfies Record<string, SettingName>);

/** Figures that are rules of the design rather than wishes of a user: not configurable. */
export const CONSTANTS = Object.freeze({
  /** The longest delay a timer can be set for: a longer wait is cut into several. */
  maxTimerMs: MAX_TIMER_MS,
  /** Share by which `maxLifetime` differs between connections, so that they do not end together. */
  lifetimeJitter: 0.1,
  /** Taken off the peer's `Keep-Alive: timeout=`: the larger of the two wins. */
  keepAliveMarginMs: 1_000,
  keepAliveMarginShare: 0.1,
  /** This many dials in a row must fail before dials to a host are spaced out. */
  dialFailuresBeforeBackoff: 3,
  /** The space doubles from the first figure to the second: a dead host costs ten dials a second. */
  dialBackoffMinMs: 10,
  dialBackoffMaxMs: 100,
  /**
   * A dial under way for so long is slow, and another one is started beside it. A handshake across the
   * world takes 600 ms; a lost SYN is sent again after a second (RFC 6298 §2.1).
   */
  slowDialMs: 1_000,
  /** An unread body is drained up to here; past it, closing the connection is cheaper. */
  drainMaxBytes: 65_536,
  drainMaxMs: 50,
  /** After a failed write the answer may already be in the receive buffer: wait this long for it. */
  writeErrorGraceMs: 250,
  /** A request body up to here goes out in one write with its head. */
  oneWriteBytes: 16_384,
  /** A larger piece of a body is written in slices of this size: each that the peer takes is progress. */
  uploadSliceBytes: 65_536,
  /** How long a request with `Expect: 100-continue` waits before it sends its body unasked. */
  expectContinueMs: 1_000,
  /** Bounds of a response head and of what may come around a body. */
  maxLineBytes: 16_384,
  maxHeadBytes: 65_536,
  maxHeaderCount: 256,
  maxInformational: 32,
  maxChunkExtensionBytes: 4_096,
  maxTrailerBytes: 16_384,
  /** A body whose reader pauses: reading stops above this many buffered bytes. */
  bodyHighWaterBytes: 65_536,
  /** A body announced to be larger is collected in pieces: memory is taken for what came, not for what was said. */
  gatherMaxBytes: 16_777_216,
  maxRedirects: 10,
  /** Secure contexts kept for reuse: an authority of its own costs some 50 KB in each. */
  maxTlsContexts: 256,
  /** Ways of calling one origin (`tls`, `safety`) whose connection key is kept: as many as tenants, rarely more. */
  maxVariantsPerOrigin: 16,
  dnsTtlMs: 30_000,
  drainTimeoutMs: 10_000,
});

/**
 * The one table of settings: what each is, its default, what is allowed, and why the default is what
 * it is. Validation, the environment, YAML files and the docs are all read from this table, so a
 * setting is added in one place.
 *
 * Units: durations are milliseconds (or `'90s'`), sizes are bytes (or `'10mb'`). Where 0 has a meaning, it is "off".
 */
import { hasDiagnostics } from './node-env.js';
import { CONSTANTS } from './constants.js';

export type SettingKind = 'count' | 'duration' | 'bytes' | 'boolean' | 'choice';

export interface Setting {
  readonly kind: SettingKind;
  readonly default: number | boolean | string;
  /** For the docs, where the default depends on the environment. */
  readonly shownDefault?: string;
  readonly min?: number;
  readonly max?: number;
  /** `true` and `false` may be among them. */
  readonly choices?: readonly (string | boolean)[];
  /** Counts and durations for which `Infinity` is allowed: no limit. */
  readonly unlimited?: boolean;
  /** May it differ per host (`config.hosts[...]`)? */
  readonly perHost: boolean;
  readonly what: string;
  readonly why: string;
}

const MIB = 1_048_576;

function count(value: number, min: number, max: number, what: string, why: string): Setting {
  return { kind: 'count', default: value, min, max, perHost: true, what, why };
}
function duration(value: number, min: number, what: string, why: string): Setting {
  return {
    kind: 'duration',
    default: value,
    min,
    max: CONSTANTS.maxTimerMs,
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
  http2: {
    kind: 'choice',
    choices: [true, false, 'prior-knowledge'],
    default: true,
    perHost: true,
    what: 'offer HTTP/2 over TLS; "prior-knowledge": plain TCP, too',
    why: 'one connection carries a hundred calls, and a server that lacks it chooses HTTP/1.1; over plain TCP the two can’t be told apart, so the caller has to know',
  },
  maxStreams: count(
    100,
    1,
    65_535,
    'calls on one HTTP/2 connection at a time; its peer may allow fewer',
    'what RFC 9113 recommends as the least limit, and most servers set; beyond it a second connection spreads the load',
  ),
  enablePooling: {
    kind: 'boolean',
    default: true,
    perHost: true,
    what: 'reuse connections; off, each request dials and closes its own',
    why: 'reuse is what a pool is for',
  },
  reportLeaks: {
    kind: 'boolean',
    default: hasDiagnostics(),
    shownDefault: 'by NODE_ENV',
    perHost: true,
    what: 'warn of unread bodies and of leases not given back, with the line',
    why: 'it costs a stack trace for each call, three times the CPU of a small GET: on when NODE_ENV is development or test, off when it is anything else or not set',
  },
  order: {
    kind: 'choice',
    choices: ['fifo', 'lifo'],
    default: 'fifo',
    perHost: true,
    what: 'which idle connection is taken first: the one idle longest, or shortest',
    why: 'FIFO keeps every connection warm and spreads load; LIFO lets a pool shrink sooner, and always holds for HTTP/2',
  },
} satisfies Record<string, Setting>);

export type SettingName = keyof typeof SETTINGS;

/** Old names that are still taken, wherever a setting can be given. */
export const OLD_NAMES = Object.freeze({
  connectionTimeout: 'connectTimeout',
} as const satisfies Record<string, SettingName>);

/** Settings that go together, for `PoolConfig.highTraffic` and its siblings. */
export const PRESETS = Object.freeze({
  highTraffic: Object.freeze({
    maxPerHost: 500,
    maxIdlePerHost: 500,
    minIdle: 50,
    idleTimeout: 120_000,
    connectTimeout: 3_000,
  }),
  lowLatency: Object.freeze({
    maxPerHost: 200,
    maxIdlePerHost: 200,
    minIdle: 20,
    idleTimeout: 60_000,
    connectTimeout: 1_000,
    cleanupInterval: 10_000,
  }),
  constrained: Object.freeze({
    maxPerHost: 20,
    maxIdlePerHost: 20,
    minIdle: 0,
    idleTimeout: 30_000,
    connectTimeout: 10_000,
  }),
} satisfies Record<string, Readonly<Partial<Record<SettingName, number>>>>);

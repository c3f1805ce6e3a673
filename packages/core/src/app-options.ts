/** What `new App()` takes, its defaults, and how it is checked. */
import { ConnectionPool, type PoolConfigInput } from '@hotaru/client';
import type { DependencyContainer } from 'tsyringe';
import { parseBinding, type Binding } from './binding.js';
import { HttpSafety, type HttpSafetyOptions } from './http/request/safety.js';
import {
  checkCorrelation,
  type CorrelationSettings,
  type RequestIdOptions,
} from './log/correlation.js';
import { toLogger, type Logger, type LoggerInput } from './log/logger.js';
import { hasDiagnostics, modeOf, type Mode } from './node-env.js';
import {
  checkBoolean,
  checkCount,
  checkDuration,
  checkKeys,
  checkText,
  invalidOption,
  type Duration,
} from './options.js';

export type { Mode };

/** What `new App()` takes; everything has a default. */
export interface AppOptions {
  /** `'host:port'`, `':port'` or `'port'`; IPv6 in brackets; port 0 picks a free one. Default `'127.0.0.1:3003'`. */
  binding?: string | undefined;
  /**
   * Development tells clients what went wrong, and warns of unread bodies with the line of the call. Default: production
   * if `NODE_ENV` is production, else development; the lines of calls, which cost a stack trace for each, only if
   * `NODE_ENV` is development or test.
   */
  mode?: Mode | undefined;
  /** Limits of inbound requests; endpoints lay their own over them. */
  safety?: HttpSafety | HttpSafetyOptions | undefined;
  /** A pool to share, or the configuration of one of the app's own, closed with it. Default: the global one. */
  pool?: ConnectionPool | PoolConfigInput | undefined;
  /**
   * A pino logger, options for one, or `false` for silence. Default: pino to stdout; JSON, or text in development
   * on a terminal (`HOTARU_LOG=pretty` or `json` decides it).
   */
  logger?: LoggerInput | undefined;
  /**
   * One log line for each request: method, path without query, pattern, status, ms, bytes of the body, request id,
   * and how it ended (`sent`, `client-left`, `cut`, `drain-cut`). Default true.
   */
  accessLog?: boolean | undefined;
  /**
   * A request id: taken from `x-request-id` or made, for log lines, the response, and the calls of
   * `ctx.sendRequest()`. False turns all of it off; an object a part: `{ accept, respond, send }`. Default true.
   */
  requestId?: boolean | RequestIdOptions | undefined;
  /** Calls of `ctx.sendRequest()` carry W3C `traceparent`: the inbound trace, or a new one. Default true. */
  traceparent?: boolean | undefined;
  /** Where controllers and `ctx.resolve()` look; pool, logger and app are registered in it. Default: a child of the global one. */
  container?: DependencyContainer | undefined;
  /** For how many calls at once to be ready before listening, by origin: `{ 'https://api.example.com': 4 }`. */
  warm?: Readonly<Record<string, number>> | undefined;
  /** How long requests may take to finish once the app is told to stop. Default 10 s. */
  drainTimeout?: Duration | undefined;
  /**
   * How long the app goes on accepting after it was told to stop, with `app.state` at `'draining'` and `ctx.draining`
   * aborted: time for a readiness check to fail, and for a balancer to send no more. Default 0.
   */
  drainDelay?: Duration | undefined;
}

const OPTION_NAMES = [
  'binding',
  'mode',
  'safety',
  'pool',
  'logger',
  'accessLog',
  'requestId',
  'traceparent',
  'container',
  'warm',
  'drainTimeout',
  'drainDelay',
];

const DEFAULTS = Object.freeze({
  binding: '127.0.0.1:3003', // this machine only: being reachable is a decision
  drainDelay: 0, // without a balancer that asks it is only lost
  drainTimeout: 10_000, // well within the 30 s that orchestrators wait before they kill
});

/** Options as the code reads them. */
export interface CheckedAppOptions {
  readonly mode: Mode;
  readonly hasDiagnostics: boolean;
  readonly safety: HttpSafety;
  readonly log: Logger;
  readonly hasAccessLog: boolean;
  readonly correlation: CorrelationSettings;
  readonly binding: Binding;
  /** Connections to open before listening, by origin. */
  readonly warm: ReadonlyMap<string, number>;
  readonly drainTimeoutMs: number;
  readonly drainDelayMs: number;
  /** undefined: the global one, asked for when it is needed, so that it can still be configured. */
  readonly pool: ConnectionPool | undefined;
  /** The pool was made for the app, and is closed with it. */
  readonly ownsPool: boolean;
}

/** @throws HotaruError `HOTARU_INVALID_OPTION`, `HOTARU_INVALID_BINDING`; HotaruClientError `HOTARU_INVALID_CONFIG`. */
export function checkAppOptions(options: AppOptions): CheckedAppOptions {
  checkKeys('app', options, OPTION_NAMES);
  const mode = checkText('app.mode', options.mode ?? modeOf(), [
    'development',
    'production',
  ]) as Mode;
  return {
    mode,
    hasDiagnostics: hasDiagnostics(options.mode),
    safety: HttpSafety.from(options.safety ?? {}),
    log: toLogger(options.logger, mode === 'development'),
    hasAccessLog: checkBoolean('app.accessLog', options.accessLog ?? true),
    correlation: checkCorrelation(options.requestId, options.traceparent),
    binding: parseBinding(options.binding ?? DEFAULTS.binding),
    warm: checkWarm(options.warm ?? {}),
    drainTimeoutMs: checkDuration(
      'app.drainTimeout',
      options.drainTimeout ?? DEFAULTS.drainTimeout,
      false,
    ),
    drainDelayMs: checkDuration(
      'app.drainDelay',
      options.drainDelay ?? DEFAULTS.drainDelay,
      false,
      0,
    ),
    // Last: a pool that was made would have to be closed when another option is refused.
    ownsPool: options.pool !== undefined && !isPool(options.pool),
    pool: toPool(options.pool),
  };
}

function isPool(input: ConnectionPool | PoolConfigInput): input is ConnectionPool {
  // Not instanceof: a pool of another copy of the package, or a fake in a test, is one too.
  return typeof (input as { sendRequest?: unknown }).sendRequest === 'function';
}

function toPool(input: ConnectionPool | PoolConfigInput | undefined): ConnectionPool | undefined {
  if (input === undefined) return undefined;
  if (typeof (input as unknown) !== 'object' || (input as unknown) === null)
    throw invalidOption('app.pool', input, 'a ConnectionPool, or the configuration of one');
  return isPool(input) ? input : new ConnectionPool(input);
}

function checkWarm(input: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  if (typeof (input as unknown) !== 'object' || (input as unknown) === null || Array.isArray(input))
    throw invalidOption('app.warm', input, "an object such as { 'https://api.example.com': 4 }");
  const warm = new Map<string, number>();
  for (const [origin, count] of Object.entries(input)) {
    if (!URL.canParse(origin))
      throw invalidOption('app.warm', origin, 'URLs such as https://api.example.com');
    warm.set(origin, checkCount(`app.warm[${JSON.stringify(origin)}]`, count, 1, false));
  }
  return warm;
}

/**
 * The life of an app, from start to the end of the drain.
 *
 *     idle ──start()──▶ starting ──listening──▶ running ──stop() or a signal──▶ draining ──▶ stopped
 *       ▲                  │ cannot listen, or stop() before it listens                        ▲
 *       └──────────────────┘            idle ──stop()───────────────────────────────────────────┘
 *
 * starting: the pool's cleanup task runs, what is configured is warmed, controllers are made, then it listens
 * draining: connections waiting to be accepted are accepted, the listener closes; responses say
 *           `Connection: close`; requests that still arrive on open connections are answered; silent
 *           connections are closed, upgraded ones may end by themselves (`app.draining`); then what was
 *           handed to `ctx.waitUntil()`; after `drainTimeout` the rest is cut; then the pool
 * stopped:  for good. Nothing of the app keeps the process alive
 *
 * Invariants: one stop of the cleanup task for each start (the pool counts: the last app on it stops it) · a
 * pool made for the app is drained and closed with it, a shared one is left as it is · signal listeners are
 * there only during `run()`.
 */
import type { ConnectionPool } from '@hotaru/client';
import type { Background } from './background.js';
import { bindingUrl, type Binding } from './binding.js';
import { HotaruError } from './errors.js';
import type { Draining } from './inbound/draining.js';
import type { InboundServer, ListenAddress } from './inbound/inbound.js';
import type { Logger } from './log/logger.js';
import type { RequestLog } from './log/request-log.js';
import { warmUp } from './warm-up.js';

export type AppState = 'idle' | 'starting' | 'running' | 'draining' | 'stopped';

/** Where an app that has started listens. */
export interface Listening {
  /** At which this machine reaches it, without a slash at the end. */
  readonly url: string;
  /** As the system says it: `::` is every interface. */
  readonly host: string;
  readonly port: number;
}

/** What the loop needs of its app. */
export interface LoopParts {
  readonly binding: Binding;
  readonly drainTimeoutMs: number;
  /** From not ready to the end of the listener. */
  readonly drainDelayMs: number;
  /** Connections to open before listening, by origin. */
  readonly warm: ReadonlyMap<string, number>;
  readonly ownsPool: boolean;
  readonly log: Logger;
  readonly requests: RequestLog;
  /** Asked when they are needed: before that the pool can be configured, and no server is made. */
  pool(): ConnectionPool;
  server(): InboundServer;
  /** Makes what should fail at the start rather than at the first request. */
  prepare(): void;
  readonly draining: Draining;
  /** Ends every request that is under way: with a 503, or, if its response has begun, by a cut. */
  cutRequests(): void;
  /** Work that outlives its request. */
  readonly background: Background;
  /** Disposes of the app's singletons, after the drain. */
  dispose(): Promise<void>;
}

export class AppLoop {
  readonly #parts: LoopParts;
  #state: AppState = 'idle';
  #starting: Promise<Listening> | undefined = undefined;
  #stopping: Promise<void> | undefined = undefined;
  #stopCleanup: (() => void) | undefined = undefined;
  /** Ends the wait of `run()`. */
  #requestStop: () => void = () => undefined;
  #isStopRequested = false;
  readonly #stopRequested = new Promise<void>((resolve) => {
    this.#requestStop = () => {
      this.#isStopRequested = true;
      resolve();
    };
  });
  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  get state(): AppState {
    return this.#state;
  }

  start(): Promise<Listening> {
    if (this.#state !== 'idle')
      return Promise.reject(
        new HotaruError(
          'HOTARU_INVALID_STATE',
          this.#state === 'stopped' || this.#state === 'draining'
            ? 'an app that was stopped does not start again; make a new one'
            : `the app is ${this.#state} already`,
        ),
      );
    this.#state = 'starting';
    return (this.#starting = this.#start());
  }

  stop(): Promise<void> {
    this.#requestStop();
    return (this.#stopping ??= this.#stop());
  }

  /** Starts unless it is running, and resolves when the app has stopped. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return this.stop();
    const requestStop = this.#requestStop;
    let signalled = 0;
    const onSignal = (name: NodeJS.Signals): void => {
      if (++signalled > 1) exitNow(this.#parts.log, name);
      this.#parts.log.info({ signal: name }, 'stopping; once more to stop at once');
      requestStop();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    signal?.addEventListener('abort', requestStop, { once: true });
    try {
      if (this.#state !== 'running')
        await this.start().catch((error: unknown) => {
          if (!isStoppedEarly(error)) throw error;
        });
      await this.#stopRequested;
      await this.stop();
    } finally {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
      signal?.removeEventListener('abort', requestStop);
    }
  }

  async #start(): Promise<Listening> {
    const { log, binding } = this.#parts;
    let address: ListenAddress;
    try {
      this.#parts.prepare();
      this.#stopCleanup = this.#parts.pool().startCleanupTask();
      await warmUp(this.#parts.pool(), this.#parts.warm, log, {
        isRequested: () => this.#isStopRequested,
        requested: this.#stopRequested,
      });
      if (this.#isStopRequested) throw stoppedEarly();
      address = await listen(this.#parts.server(), binding);
    } catch (error) {
      this.#endCleanup();
      this.#state = 'idle';
      throw error;
    }
    const { host, port } = address;
    const url = bindingUrl(binding.host, port);
    this.#state = 'running';
    log.info({ url }, 'listening');
    return { url, host, port };
  }

  async #stop(): Promise<void> {
    // One that could not start is idle again, and has nothing to drain but its pool.
    if (this.#state === 'starting') await this.#starting?.catch(() => undefined);
    const { ownsPool, log, requests, draining, drainDelayMs, drainTimeoutMs } = this.#parts;
    const server = this.#parts.server();
    const wasRunning = this.#state === 'running';
    this.#state = 'draining';
    if (wasRunning) {
      log.info(
        {
          connections: server.size,
          requests: requests.openCount,
          ...(drainDelayMs > 0 && { drainDelay: drainDelayMs }),
        },
        'draining',
      );
      if (drainDelayMs > 0) {
        draining.begin();
        await new Promise((resolve) => setTimeout(resolve, drainDelayMs));
      }
      await server.stopAccepting();
    }
    // Only now: a client told to reconnect before could do so just in time to be reset.
    draining.closeConnections();
    const deadlineMs = performance.now() + drainTimeoutMs;
    const timeLeftMs = (): number => Math.max(1, deadlineMs - performance.now());
    await server.drain(drainTimeoutMs, (cut) => {
      if (cut.responses > 0 || cut.upgraded > 0)
        log.warn(
          { ...cut, requests: requests.listOpen() },
          `not done within drainTimeout (${drainTimeoutMs} ms): responses or upgraded connections were cut`,
        );
      this.#parts.cutRequests();
    });
    const work = await this.#parts.background.drain(timeLeftMs());
    if (work > 0)
      log.warn(
        { work },
        `not done within drainTimeout (${drainTimeoutMs} ms): work of ctx.waitUntil() was cut`,
      );
    // Before the pool: what they have to say at their end may go over it.
    await this.#dispose(timeLeftMs());
    if (wasRunning) server.destroy();
    this.#endCleanup();
    if (ownsPool) {
      const pool = this.#parts.pool();
      await pool.drain({ timeout: timeLeftMs() });
      pool.close();
    }
    this.#state = 'stopped';
    if (wasRunning) log.info('stopped');
  }

  async #dispose(timeLeftMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<'time is up'>((resolve) => {
      timer = setTimeout(resolve, timeLeftMs, 'time is up');
    });
    const outcome = await Promise.race([this.#parts.dispose(), timeUp]);
    clearTimeout(timer);
    if (outcome === 'time is up')
      this.#parts.log.warn('singletons were not disposed of within drainTimeout');
  }

  #endCleanup(): void {
    this.#stopCleanup?.();
    this.#stopCleanup = undefined;
  }
}

const STOPPED_EARLY = 'the app was stopped before it listened';

/** What `start()` rejects with when `stop()` comes first; `run()` then returns without an error. */
function stoppedEarly(): HotaruError {
  return new HotaruError('HOTARU_INVALID_STATE', STOPPED_EARLY);
}

function isStoppedEarly(error: unknown): boolean {
  return error instanceof HotaruError && error.message === STOPPED_EARLY;
}

async function listen(server: InboundServer, binding: Binding): Promise<ListenAddress> {
  try {
    return await server.listen(binding);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE'
        ? 'something is listening there already'
        : code === 'EACCES'
          ? 'this user may not listen there'
          : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
            ? 'this machine has no such address'
            : (error as Error).message;
    const name = bindingUrl(binding.host, binding.port);
    throw new HotaruError('HOTARU_BINDING_FAILED', `cannot listen on ${name}: ${why} (${code})`, {
      cause: error,
    });
  }
}

function exitNow(log: Logger, signal: NodeJS.Signals): never {
  log.warn({ signal }, 'stopping at once');
  process.exit(signal === 'SIGINT' ? 130 : 143);
}

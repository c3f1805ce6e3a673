/**
 * A pool without sockets: connections that are numbers, dials that succeed and fail by hand, and a
 * clock that a test moves. What the tests of `src/pool` stand on.
 */
import { PoolConfig, type PoolConfigInput, type Settings } from '../../src/config/pool-config.js';
import type { Phase } from '../../src/errors.js';
import { ConnectionRecord } from '../../src/pool/connection-record.js';
import type { DialEvents } from '../../src/pool/dialer.js';
import { HostPool } from '../../src/pool/host-pool.js';
import { OriginProtocol } from '../../src/pool/origin-protocol.js';
import { Permits } from '../../src/pool/permits.js';
import type { Poolable } from '../../src/pool/poolable.js';
import type { Dial, Waiter, WaiterEvents } from '../../src/pool/waiter.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';

/** What an origin speaks: `exclusive`, or shared by as many callers as it allows. */
export type Speech = 'exclusive' | number;

/** A connection that is a number. */
export class FakeConnection implements Poolable {
  readonly record: ConnectionRecord;
  readonly canShare: boolean;
  /** Callers it takes at once. */
  callerLimit: number;
  onClosed: (() => void) | undefined = undefined;
  onLimitChanged: (() => void) | undefined = undefined;
  isIdle = false;
  underWay = 0;
  /** Gone: the pool has been told. */
  isClosed = false;
  #hasEnded = false;

  constructor(
    readonly id: number,
    readonly host: FakeHost,
    clock: VirtualClock,
    random: number,
    speech: Speech,
  ) {
    this.record = new ConnectionRecord(this, id, clock, random);
    this.canShare = speech !== 'exclusive';
    this.callerLimit = speech === 'exclusive' ? 1 : speech;
  }

  get isOpen(): boolean {
    return !this.isClosed && !this.#hasEnded;
  }
  /** One of its holders begins an exchange, and has ended it; the end comes before the release. */
  begun(): void {
    this.underWay += 1;
  }
  ended(): void {
    this.underWay -= 1;
    if (this.underWay < 0) throw new Error(`connection ${this.id} was released twice`);
  }

  setIdle(isIdle: boolean): void {
    this.isIdle = isIdle;
  }

  /** As the SETTINGS of HTTP/2 do at any time. */
  setLimit(callerLimit: number): void {
    this.callerLimit = callerLimit;
    this.onLimitChanged?.();
  }

  /** Also what happens when the peer closes it. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onClosed?.();
  }

  /**
   * The peer says goodbye, but the close has not been noticed by the pool yet. One that is shared takes no more
   * callers, and goes on for the ones it has (GOAWAY).
   */
  halfClose(): void {
    this.#hasEnded = true;
    if (this.canShare && !this.isClosed) this.onLimitChanged?.();
  }
}

/** A dial under way; `connect()` and `refuse()` end it. */
export class FakeDial implements Dial {
  readonly phase: Phase = 'connect';
  readonly unfinished = 'the connection is still being set up';
  readonly startedAtMs: number;
  isCancelled = false;

  constructor(
    readonly host: FakeHost,
    private readonly events: DialEvents<FakeConnection>,
  ) {
    this.startedAtMs = host.pool.clock.now();
  }

  connect(speech = this.host.speech): FakeConnection {
    this.host.forgetDial(this);
    const { pool } = this.host;
    const connection = new FakeConnection(
      pool.nextId++,
      this.host,
      pool.clock,
      pool.random(),
      speech,
    );
    this.host.connections.push(connection);
    this.events.connected(connection);
    return connection;
  }

  refuse(error: Error = new Error('connection refused')): void {
    this.host.forgetDial(this);
    this.events.failed(error);
  }

  cancel(): void {
    this.isCancelled = true;
    this.host.forgetDial(this);
  }

  /** A dial that answers twice, or after it was cancelled. */
  connectAgain(connection: FakeConnection): void {
    this.events.connected(connection);
  }
}

export interface FakeAcquireOptions {
  fresh?: boolean;
  admitted?: boolean;
  /** Sends its request in the call stack of the hand-over; else by `begin()`, or never. Default true. */
  begins?: boolean;
  /** User code that runs in the call stack of the hand-over. */
  onConnected?: (acquire: FakeAcquire) => void;
  onRefused?: (acquire: FakeAcquire) => void;
  onDialling?: (acquire: FakeAcquire) => void;
}

/** One caller of a host pool: what `sendRequest` is to the real one. */
export class FakeAcquire implements WaiterEvents<FakeConnection> {
  state: 'waiting' | 'served' | 'failed' | 'cancelled' | 'released' = 'waiting';
  connection: FakeConnection | undefined = undefined;
  isReused: boolean | undefined = undefined;
  error: Error | undefined = undefined;
  dial: Dial | undefined = undefined;
  /** Must never become more than 1. */
  settled = 0;
  #waiter: Waiter<FakeConnection> | undefined = undefined;
  hasBegun = false;

  constructor(
    readonly host: FakeHost,
    readonly options: FakeAcquireOptions,
  ) {}

  start(): this {
    const { fresh = false, admitted = false } = this.options;
    const connection = fresh ? undefined : this.host.hostPool.take();
    if (connection !== undefined) {
      this.connected(connection, true);
      return this;
    }
    const waiter = this.host.hostPool.wait(this, fresh, admitted);
    if (waiter.state === 'waiting') this.#waiter = waiter;
    return this;
  }

  get waiter(): Waiter<FakeConnection> | undefined {
    return this.#waiter;
  }

  /** Its connection; fails the test when it was not served. */
  get served(): FakeConnection {
    if (this.state !== 'served' || this.connection === undefined)
      throw new Error(`this acquire is ${this.state}`, { cause: this.error });
    return this.connection;
  }

  connected(connection: FakeConnection, reused: boolean): void {
    this.settled += 1;
    this.#waiter = undefined;
    this.state = 'served';
    this.connection = connection;
    this.isReused = reused;
    if (this.options.begins !== false) this.begin();
    this.options.onConnected?.(this);
  }

  refused(error: Error): void {
    this.settled += 1;
    this.#waiter = undefined;
    this.state = 'failed';
    this.error = error;
    this.options.onRefused?.(this);
  }

  dialling(dial: Dial | undefined): void {
    this.dial = dial;
    this.options.onDialling?.(this);
  }

  cancel(isOutOfTime = false): void {
    if (this.#waiter === undefined) return;
    this.settled += 1;
    this.state = 'cancelled';
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.host.hostPool.cancel(waiter, isOutOfTime);
  }

  /** Sends its request. */
  begin(): void {
    const connection = this.served;
    this.hasBegun = true;
    connection.record.requestCount += 1;
    connection.begun();
  }

  /** Its request, if it has begun one, is over; the connection goes back. Returns whether the pool kept it. */
  release(isReusable = true): boolean {
    const connection = this.served;
    this.state = 'released';
    if (this.hasBegun) connection.ended();
    return this.host.hostPool.release(connection, isReusable);
  }
}

/** One host: its pool, and the dials under way to it. */
export class FakeHost {
  readonly hostPool: HostPool<FakeConnection>;
  /** Under way, oldest first. */
  readonly dials: FakeDial[] = [];
  /** Every connection there ever was. */
  readonly connections: FakeConnection[] = [];
  quiet = 0;
  /** When it asked to be swept to renew what is in use, the last time. */
  renewableAtMs = Infinity;
  /** Of the connections dialled from now on. */
  speech: Speech;
  /** Makes the next dials throw in the call stack of the dialer, as bad TLS options do. */
  dialThrows: Error | undefined = undefined;

  constructor(
    readonly pool: FakePool,
    readonly name: string,
    settings: Settings,
    readonly protocol: OriginProtocol,
  ) {
    this.speech = pool.capacity > 1 ? pool.capacity : 'exclusive';
    this.hostPool = new HostPool<FakeConnection>(name, settings, {
      clock: pool.clock,
      permits: pool.permits,
      random: () => pool.random(),
      protocol,
      onQuiet: () => (this.quiet += 1),
      onRenewable: (atMs) => (this.renewableAtMs = atMs),
      dial: (events) => {
        if (this.dialThrows !== undefined) throw this.dialThrows;
        const dial = new FakeDial(this, events);
        this.dials.push(dial);
        return dial;
      },
    });
  }

  acquire(options: FakeAcquireOptions = {}): FakeAcquire {
    return new FakeAcquire(this, options).start();
  }

  /** An acquire that needed a dial, and got it. */
  dialled(): FakeAcquire {
    const acquire = this.acquire();
    this.connect();
    return acquire;
  }

  /** Puts `count` connections into the idle queue, the first one idle longest. */
  fill(count: number): FakeConnection[] {
    const acquires = Array.from({ length: count }, () => this.dialled());
    const connections = acquires.map((acquire) => acquire.served);
    for (const acquire of acquires) acquire.release();
    return connections;
  }

  /** The oldest dial under way succeeds. */
  connect(speech?: Speech): FakeConnection {
    return this.#oldestDial().connect(speech);
  }

  /** The oldest dial under way fails. */
  refuse(error?: Error): void {
    this.#oldestDial().refuse(error);
  }

  forgetDial(dial: FakeDial): void {
    const place = this.dials.indexOf(dial);
    if (place !== -1) this.dials.splice(place, 1);
  }

  sweep(): number {
    const { clock } = this.pool;
    return this.hostPool.sweep(clock.now(), clock.wallNow());
  }

  reconfigure(input: PoolConfigInput): void {
    this.hostPool.reconfigure(settingsOf(input));
  }

  get idleIds(): number[] {
    return [...this.hostPool.idle].map((connection) => connection.record.id);
  }

  #oldestDial(): FakeDial {
    const [dial] = this.dials;
    if (dial === undefined) throw new Error(`no dial to ${this.name} is under way`);
    return dial;
  }
}

/** What a `ConnectionPool` is to its hosts: permits and a clock. */
export class FakePool {
  readonly clock = new VirtualClock();
  readonly permits: Permits;
  readonly hosts: FakeHost[] = [];
  /** 0.5: no jitter. */
  random: () => number = () => 0.5;
  /** Callers that connections to its hosts take at once; above 1 they are shared. */
  capacity = 1;
  nextId = 0;
  #config: PoolConfigInput;

  constructor(config: PoolConfigInput = {}) {
    this.#config = config;
    this.permits = new Permits(settingsOf(config).maxTotal, (connection) => {
      if (connection instanceof FakeConnection) connection.host.hostPool.evict(connection);
    });
  }

  /** `known`: what the pool takes the origin for before the first dial. */
  host(
    name = 'a',
    config: PoolConfigInput = {},
    known: 'unknown' | 'exclusive' | 'shared' = 'exclusive',
    presumedLimit = 1,
  ): FakeHost {
    const settings = settingsOf({ ...this.#config, ...config });
    const protocol = new OriginProtocol(known, presumedLimit);
    const host = new FakeHost(this, name, settings, protocol);
    this.hosts.push(host);
    return host;
  }
}

/** A pool with one host, which most tests need. */
export function oneHost(config: PoolConfigInput = {}): FakeHost {
  return new FakePool(config).host();
}

export function settingsOf(config: PoolConfigInput): Settings {
  return PoolConfig.from(config).settings;
}

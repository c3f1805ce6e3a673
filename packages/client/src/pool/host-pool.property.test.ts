/**
 * The invariants of the pool under any sequence of events, user code in the hand-over included: each
 * run plays a few hundred events on one to three hosts and checks everything after each of them.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  FakeAcquire,
  FakePool,
  settingsOf,
  type FakeConnection,
  type FakeDial,
  type FakeHost,
  type Speech,
} from '../../test/support/fake-pool.js';
import { CONSTANTS } from '../config/constants.js';
import { ConnectError, PoolError } from '../errors.js';
import type { PoolConfigInput } from '../config/pool-config.js';

const RUNS = 2_000;
/** No minimum: a counterexample shrinks to the few events that matter. */
const EVENTS_PER_RUN = { maxLength: 300, size: 'max' } as const;
const EVENTS_AT_LEAST = 100_000;
/** What one connection of an origin known to be shared is thought to serve, before the first dial. */
const PRESUMED_LIMIT = 2;

// ── what may happen ────────────────────────────────────────────────────────────────────────────────

const settings = fc
  .record({
    maxPerHost: fc.integer({ min: 1, max: 5 }),
    maxIdlePerHost: fc.nat(5),
    maxPending: fc.constantFrom(0, 1, 3, 10, 10),
    maxDialing: fc.integer({ min: 1, max: 4 }),
    minIdle: fc.nat(2),
    idleTimeout: fc.constantFrom(50, 500, 5_000),
    maxLifetime: fc.constantFrom(300, 3_000, Infinity),
    maxRequestsPerConnection: fc.constantFrom(1, 3, Infinity),
    enablePooling: fc.constantFrom(true, true, true, true, false),
    order: fc.constantFrom('fifo' as const, 'lifo' as const),
  })
  .map((made): PoolConfigInput => {
    const room = Math.min(made.maxIdlePerHost, made.maxPerHost);
    return { ...made, minIdle: Math.min(made.minIdle, room) };
  });

/** One caller a connection; or shared by as many as the peer allows, which may be none. */
const speech = fc.constantFrom<Speech>('exclusive', 'exclusive', 0, 1, 2, 3, 20);
const origin = fc.record({
  settings,
  speech,
  known: fc.constantFrom('unknown' as const, 'exclusive' as const, 'shared' as const),
});
type Origin = typeof origin extends fc.Arbitrary<infer O> ? O : never;

/** What a caller does in the call stack in which it is served or refused. */
const reaction = fc.constantFrom(
  ...(['nothing', 'nothing', 'nothing', 'release', 'acquire', 'cancel', 'release other'] as const),
);
type Reaction = typeof reaction extends fc.Arbitrary<infer R> ? R : never;

const which = fc.nat(1_000);
const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('acquire' as const),
      host: which,
      fresh: fc.constantFrom(false, false, false, true),
      begins: fc.constantFrom(true, true, false),
      reaction,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('release' as const),
      which,
      ok: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('begin' as const), which }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('connect' as const), which }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('refuse' as const), which }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('refuse all' as const), host: which }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('dial times out' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('cancel' as const),
      which,
      isOutOfTime: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('try again' as const), which, fresh: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('forget' as const), host: which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('die' as const, 'end' as const),
      which,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('advance' as const, 'advance' as const, 'advance wall' as const),
      ms: fc.constantFrom(1, 7, 60, 400, 4_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('sweep' as const), host: which }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('warm' as const), host: which, count: fc.nat(6) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('reconfigure' as const),
      host: which,
      settings,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('speaks' as const), host: which, speech }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('limit' as const), which, limit: fc.nat(4) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('maxTotal' as const),
      max: fc.integer({ min: 1, max: 10 }),
    }),
  },
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;
const rareEnd = fc.record({ host: which, at: fc.integer({ min: 20, max: 250 }) });

// ── the world it happens in ────────────────────────────────────────────────────────────────────────

class World {
  readonly pool: FakePool;
  readonly waiting = new Set<Caller>();
  readonly holding = new Set<Caller>();
  readonly served = new Map<FakeHost, number>();
  readonly failuresInARow = new Map<FakeHost, number>();
  readonly drained = new Set<FakeHost>();
  /** Hosts that the pool no longer knows; callers may still hold them. */
  readonly forgotten = new Set<FakeHost>();
  /** Hosts as the pool knows them: a new one takes the place of one that was forgotten. */
  readonly known: FakeHost[];
  /** Waits that ended in a refusal. */
  readonly refused = new Map<FakeHost, number>();
  readonly callers: Caller[] = [];
  /** What the last dial of a host has shown; nothing before the first one, where that has to be found out. */
  readonly learned = new Map<FakeHost, Speech>();
  /** Dials that a caller ran out of time on. */
  readonly doubted = new Set<FakeDial>();
  maxTotal: number;
  /** Reactions may set off reactions, but not for ever. */
  depth = 0;

  constructor(maxTotal: number, origins: Origin[]) {
    this.maxTotal = maxTotal;
    this.pool = new FakePool({ maxTotal });
    this.known = origins.map((made, i) => this.makeHost(`h${i}`, made));
  }

  makeHost(name: string, { settings: set, speech: spoken, known }: Origin): FakeHost {
    const host = this.pool.host(name, set, known, PRESUMED_LIMIT);
    host.speech = spoken;
    if (known === 'exclusive') this.learned.set(host, 'exclusive');
    if (known === 'shared') this.learned.set(host, PRESUMED_LIMIT);
    return host;
  }

  host(n: number): FakeHost {
    return nth(this.known, n)!;
  }

  /** As a sweep of the pool does. */
  forget(n: number): void {
    const host = this.host(n);
    if (!host.hostPool.isForgettable) return;
    host.hostPool.forgotten();
    this.forgotten.add(host);
    const { name, hostPool, speech: spoken } = host;
    const made = { settings: hostPool.settings, speech: spoken, known: 'unknown' as const };
    this.known[this.known.indexOf(host)] = this.makeHost(name, made);
  }

  /** A call whose connection turned out dead, or was used up: it goes back to the host that it holds. */
  tryAgain(caller: Caller, fresh: boolean): void {
    const { host } = caller;
    this.release(caller, false);
    this.acquire(host, fresh, 'nothing');
  }

  waitRefused(host: FakeHost): void {
    this.refused.set(host, (this.refused.get(host) ?? 0) + 1);
  }

  acquire(host: FakeHost, fresh: boolean, react: Reaction, begins = true): Caller {
    const caller = new Caller(this, host, fresh, react, begins);
    this.callers.push(caller);
    this.waiting.add(caller);
    caller.start();
    return caller;
  }

  release(caller: Caller, ok: boolean): void {
    this.holding.delete(caller);
    caller.release(ok);
  }

  play(happened: Event): void {
    const { pool } = this;
    switch (happened.what) {
      case 'acquire':
        this.acquire(this.host(happened.host), happened.fresh, happened.reaction, happened.begins);
        break;
      case 'begin': {
        const late = [...this.holding].filter(({ hasBegun, served }) => !hasBegun && served.isOpen);
        nth(late, happened.which)?.begin();
        break;
      }
      case 'release': {
        const caller = nth([...this.holding], happened.which);
        if (caller !== undefined) this.release(caller, happened.ok);
        break;
      }
      case 'connect':
      case 'refuse': {
        const dial = nth(
          pool.hosts.flatMap(({ dials }) => dials),
          happened.which,
        );
        if (dial === undefined) break;
        if (happened.what === 'connect') this.connect(dial.host, dial);
        else this.refuse(dial.host, dial);
        break;
      }
      case 'dial times out': {
        const dial = nth(
          pool.hosts.flatMap(({ dials }) => dials),
          happened.which,
        );
        if (dial !== undefined) this.refuse(dial.host, dial, new DialTimeout(dial));
        break;
      }
      case 'try again': {
        const dead = [...this.holding].filter(({ served }) => !served.isOpen);
        const caller = nth(dead.length > 0 ? dead : [...this.holding], happened.which);
        if (caller !== undefined) this.tryAgain(caller, happened.fresh);
        break;
      }
      case 'forget':
        this.forget(happened.host);
        break;
      case 'refuse all': {
        const host = this.host(happened.host);
        for (const dial of [...host.dials]) if (host.dials.includes(dial)) this.refuse(host, dial);
        break;
      }
      case 'cancel': {
        const caller = nth([...this.waiting], happened.which);
        this.cancel(caller, happened.isOutOfTime);
        break;
      }
      case 'die':
      case 'end': {
        const connection = nth(
          pool.hosts.flatMap(({ connections }) => connections.filter((one) => one.isOpen)),
          happened.which,
        );
        if (happened.what === 'die') connection?.close();
        else connection?.halfClose();
        break;
      }
      case 'advance':
        pool.clock.advance(happened.ms);
        for (const host of pool.hosts) {
          if (host.renewableAtMs > pool.clock.now()) continue;
          host.renewableAtMs = Infinity;
          host.sweep();
        }
        break;
      case 'advance wall':
        pool.clock.advanceWall(happened.ms);
        break;
      case 'sweep':
        this.host(happened.host).sweep();
        break;
      case 'warm':
        void this.host(happened.host).hostPool.warm(happened.count);
        break;
      case 'reconfigure':
        this.host(happened.host).hostPool.reconfigure(settingsOf(happened.settings));
        break;
      case 'speaks':
        this.host(happened.host).speech = happened.speech;
        break;
      case 'limit': {
        const shared = pool.hosts.flatMap(({ connections }) =>
          connections.filter(({ canShare, isClosed }) => canShare && !isClosed),
        );
        const connection = nth(shared, happened.which);
        if (connection !== undefined) this.setLimit(connection, happened.limit);
        break;
      }
      case 'maxTotal':
        this.maxTotal = happened.max;
        pool.permits.setMax(happened.max);
    }
  }

  connect(host: FakeHost, dial = host.dials[0]): void {
    // One that takes no callers is of no more use than one that failed.
    if (host.speech === 0) this.failuresInARow.set(host, (this.failuresInARow.get(host) ?? 0) + 1);
    else this.failuresInARow.set(host, 0);
    if (dial !== undefined) this.learned.set(host, host.speech);
    dial?.connect();
  }

  setLimit(connection: FakeConnection, limit: number): void {
    const { host } = connection;
    // An old connection says nothing of what the next one will be.
    const isOld = !connection.isOpen || connection.record.sharing === 'leaving';
    if (this.learned.get(host) !== 'exclusive' && !isOld) this.learned.set(host, limit);
    connection.setLimit(limit);
  }

  /** Is one live that takes callers, or may do so later? */
  hasStaying(host: FakeHost): boolean {
    return host.connections.some(
      ({ isClosed, isOpen, canShare, record }) =>
        !isClosed && record.sharing !== 'leaving' && (isOpen || !canShare),
    );
  }

  /** Dials that the waiters of a host need. */
  needed(host: FakeHost): number {
    const spoken = this.learned.get(host);
    const { waiterCount, line } = host.hostPool;
    if (waiterCount === 0) return 0;
    if (spoken === undefined) return 1;
    if (spoken === 'exclusive') return waiterCount;
    if (spoken === 0) return this.hasStaying(host) ? 0 : 1;
    return Math.max(line.fresh.size, Math.ceil(waiterCount / spoken));
  }

  refuse(host: FakeHost, dial = host.dials[0], error?: Error): void {
    this.failuresInARow.set(host, (this.failuresInARow.get(host) ?? 0) + 1);
    dial?.refuse(error);
  }

  cancel(caller: Caller | undefined, isOutOfTime = false): void {
    if (caller?.waiter === undefined) return; // it is just being settled
    this.waiting.delete(caller);
    if (isOutOfTime) {
      const { host } = caller;
      this.waitRefused(host);
      const isLast = host.hostPool.waiterCount === 1;
      const { pending } = caller.waiter;
      for (const dial of host.dials)
        if (isLast ? pending !== undefined : pending?.dial === dial) this.doubted.add(dial);
    }
    caller.cancel(isOutOfTime);
  }

  // ── what must hold ───────────────────────────────────────────────────────────────────────────────

  /** Sizes that a lowered limit may leave too large, but that must not grow then. */
  sizes(): number[] {
    const { hosts, permits } = this.pool;
    return [
      permits.used,
      ...hosts.flatMap(({ hostPool }) => [
        hostPool.liveCount + hostPool.dialingCount,
        hostPool.dialingCount,
        hostPool.idle.size,
      ]),
    ];
  }

  check(before: number[]): void {
    const { hosts, permits, clock } = this.pool;
    const after = this.sizes();
    const limits = [
      this.maxTotal,
      ...hosts.flatMap(({ hostPool: { settings: set } }) => [
        set.maxPerHost,
        set.maxDialing,
        set.maxIdlePerHost,
      ]),
    ];
    for (const [i, size] of after.entries())
      must(size <= Math.max(limits[i]!, before[i] ?? 0), `size ${i} is ${size} of ${limits[i]!}`);

    let used = 0;
    let idle = 0;
    let unmet = 0;
    const holders = new Map<FakeConnection, number>();
    for (const caller of this.holding) {
      const connection = caller.served;
      holders.set(connection, (holders.get(connection) ?? 0) + 1);
    }
    for (const host of hosts) {
      const { hostPool } = host;
      const { counters, settings: set } = hostPool;
      const live = host.connections.filter(({ isClosed }) => !isClosed);
      must(hostPool.liveCount === live.length, 'live are those that are not closed');
      must(hostPool.dialingCount === host.dials.length, 'dials are counted');
      used += live.length + host.dials.length;
      idle += hostPool.idle.size;

      for (const connection of live) {
        const held = holders.get(connection) ?? 0;
        const isIdle = connection.record.hostLink.list === hostPool.idle;
        must(connection.record.holders === held, 'holders are counted');
        must(connection.underWay <= held, 'what is under way is of a holder');
        must(isIdle === (held === 0), 'a live connection is either idle or busy');
        must(isIdle === connection.isIdle, 'it knows which');
        must(isIdle === (connection.record.poolLink.list === permits.idle), 'so do the permits');
        must(connection.canShare || held <= 1, 'one holder');
        const isFree =
          connection.isOpen &&
          held < connection.callerLimit &&
          !['yielding', 'leaving'].includes(connection.record.sharing) &&
          !connection.record.isSpent(clock.now(), set);
        if (connection.canShare && isFree && set.enablePooling)
          must(hostPool.line.any.size === 0, 'no waiter while a slot is free');
      }

      const waiting = [...this.waiting].filter((caller) => caller.host === host);
      must(
        hostPool.waiterCount === waiting.length,
        'the queue holds the waiters, and nothing else',
      );
      must(
        hostPool.line.fresh.size === waiting.filter(({ isFresh }) => isFresh).length,
        'each in its own line',
      );
      must(
        hostPool.line.any.size === 0 || [...hostPool.idle].every((one) => one.callerLimit === 0),
        'none idle while one waits that it could take',
      );
      must(
        inOrder([...hostPool.line.any].map(({ ticket }) => ticket)),
        'the queue keeps its order',
      );

      must(counters.hits + counters.misses === (this.served.get(host) ?? 0), 'hits + misses');
      must(counters.created === host.connections.length, 'created');
      must(counters.created - counters.closed === live.length, 'created − closed = live');
      must(counters.evictions <= counters.closed, 'what is evicted is closed');
      must(
        counters.wait.summary().count ===
          counters.hits + counters.misses + (this.refused.get(host) ?? 0),
        'waits are counted, served or refused',
      );
      const heldHere = [...this.holding].filter((caller) => caller.host === host).length;
      must(hostPool.heldCount === heldHere, 'what is held is counted, though it is dead');
      must(
        !this.forgotten.has(host) || (live.length + host.dials.length === 0 && heldHere === 0),
        'nothing comes back to a host that is forgotten',
      );
      this.checkDials(host, live.length);

      // Progress: a waiter has a dial, or there is a reason why not.
      const isBackingOff =
        (this.failuresInARow.get(host) ?? 0) >= CONSTANTS.dialFailuresBeforeBackoff;
      const wanted = Math.min(this.needed(host), set.maxDialing);
      if (isBackingOff) {
        const isFull =
          live.length + host.dials.length >= set.maxPerHost || permits.used >= this.maxTotal;
        must(
          wanted === 0 || host.dials.length > 0 || clock.pendingTimers > 0 || isFull,
          'a probe will come',
        );
      } else if (host.dials.length < wanted) {
        if (live.length + host.dials.length < set.maxPerHost) unmet += 1;
        else {
          const stuck =
            hostPool.line.any.size > 0 ? hostPool.waiterCount : hostPool.line.fresh.size;
          must(
            stuck <= host.dials.length || hostPool.idle.size === 0,
            'room is made for a waiter that takes none of the idle ones',
          );
        }
      }
    }
    this.checkYields(used);
    must(permits.used === used, 'permits = live + dialling');
    must(permits.idle.size === idle, 'the idle of all hosts');
    must(unmet === 0 || (permits.used >= this.maxTotal && idle === 0), 'no permit is left unused');
    must(clock.pendingTimers <= hosts.length, 'a timer for each host backing off, at most');
  }

  /** A connection takes no callers for want of room only while room is wanted. */
  checkYields(used: number): void {
    const { hosts, permits } = this.pool;
    const yieldingOf = (host: FakeHost): number => countSharing(host, 'yielding');
    const yielding = hosts.reduce((sum, host) => sum + yieldingOf(host), 0);
    const starving = hosts.filter(
      (host) => !this.hasStaying(host) && host.dials.length === 0 && host.hostPool.waiterCount > 0,
    ).length;
    const isForOthers = yielding <= starving + Math.max(0, used - this.maxTotal);
    for (const host of hosts) {
      const { hostPool } = host;
      must(
        yieldingOf(host) > 0 === (hostPool.yieldLink.list !== undefined),
        'the permits know which hosts have connections that yield',
      );
      if (yieldingOf(host) === 0) continue;
      const firm = hostPool.stayingCount - yieldingOf(host) + host.dials.length;
      const isFull = hostPool.liveCount + host.dials.length >= hostPool.settings.maxPerHost;
      const isForFresh = hostPool.line.fresh.size > 0 && (isFull || permits.used >= this.maxTotal);
      must(
        isForOthers || isForFresh || firm >= hostPool.settings.maxPerHost,
        'a connection yields only while its place is wanted',
      );
    }
    for (const host of hosts) {
      const { line, settings: set } = host.hostPool;
      const isStuck = line.any.size > 0 && host.dials.length === 0 && this.learned.get(host) === 0;
      if (!isStuck || this.forgotten.has(host)) continue;
      const now = this.pool.clock.now();
      const hasHope = host.connections.some(
        ({ isClosed, canShare, record }) =>
          !isClosed && record.sharing !== 'leaving' && (!canShare || !record.isSpent(now, set)),
      );
      must(
        hasHope ||
          this.pool.clock.pendingTimers > 0 ||
          permits.used >= this.maxTotal ||
          host.hostPool.liveCount >= set.maxPerHost,
        'waiters of a peer that takes none do not wait for a connection that has had its time',
      );
    }
  }

  /** Each waiter knows the dial it waits on, and none is left waiting behind one that hangs. */
  checkDials(host: FakeHost, live: number): void {
    const { hostPool, dials } = host;
    const { settings: set, line } = hostPool;
    const waiters = [...line.any, ...line.fresh];
    const waitedOn = new Set(waiters.map(({ pending }) => pending?.dial));
    const isWithout = waitedOn.delete(undefined);
    must(
      [...waitedOn].every((dial) => dials.includes(dial as FakeDial)),
      'a waiter waits on a dial that is under way',
    );
    must(
      !isWithout || waitedOn.size === dials.length,
      'each dial has a waiter, if one has no dial',
    );
    const { clock, permits } = this.pool;
    if (!this.learned.has(host)) {
      const isGood = (dial: FakeDial): boolean =>
        !this.doubted.has(dial) && clock.now() - dial.startedAtMs < CONSTANTS.slowDialMs;
      must(dials.filter(isGood).length <= 1, 'one dial finds out what an origin speaks');
      must(dials.length <= CONSTANTS.dialsPerWaiter, 'and one more beside one that hangs');
    }
    if (waiters.length === 0 || dials.length === 0) return;
    const youngestMs = clock.now() - Math.max(...dials.map(({ startedAtMs }) => startedAtMs));
    const isLimited =
      dials.length >= set.maxDialing ||
      dials.length >= this.needed(host) * CONSTANTS.dialsPerWaiter ||
      live + dials.length >= set.maxPerHost ||
      permits.used >= this.maxTotal ||
      (this.failuresInARow.get(host) ?? 0) >= CONSTANTS.dialFailuresBeforeBackoff;
    must(
      isLimited || youngestMs <= CONSTANTS.slowDialMs * 2 ** dials.length,
      'a dial that is slow gets another one beside it',
    );
  }

  drain(): void {
    for (const host of this.pool.hosts) {
      host.hostPool.drain();
      this.drained.add(host);
    }
    // A peer that takes no callers at all would hold it up until they give up.
    for (const host of this.pool.hosts) {
      if (host.speech === 0) host.speech = 1;
      for (const connection of host.connections)
        if (connection.callerLimit === 0 && !connection.isClosed) this.setLimit(connection, 1);
    }
    for (let i = 0; this.pool.hosts.some(({ hostPool }) => !hostPool.isForgettable); i += 1) {
      must(i < 10_000, 'a drain ends');
      for (const caller of [...this.holding])
        if (this.holding.has(caller)) this.release(caller, i % 3 > 0);
      for (const host of this.pool.hosts)
        if (host.dials.length > 0) {
          if (i % 4 === 0) this.refuse(host);
          else this.connect(host);
        }
      this.pool.clock.advance(10);
    }
    must(this.holding.size === 0, 'a drain waits for what is held, though it is dead');
    this.checkGone();
    this.checkReported();
  }

  close(): void {
    for (const host of this.pool.hosts) {
      this.drained.add(host);
      host.hostPool.close();
    }
    this.checkGone();
    for (const caller of [...this.holding]) this.release(caller, true);
    this.checkGone();
    this.checkReported();
  }

  checkReported(): void {
    for (const host of this.pool.hosts)
      must(host.quiet > 0 || this.forgotten.has(host), 'the end is reported');
  }

  checkGone(): void {
    const { hosts, permits, clock } = this.pool;
    for (const { hostPool, dials, connections } of hosts) {
      must(hostPool.isEmpty && dials.length === 0, 'every gauge is 0');
      must(hostPool.activeCount === 0 && hostPool.idle.size === 0, 'every gauge is 0');
      must(hostPool.waiterCount === 0 && hostPool.dialingCount === 0, 'every gauge is 0');
      must(
        connections.every(({ isClosed }) => isClosed),
        'every connection is closed',
      );
    }
    must(permits.used === 0 && permits.idle.size === 0, 'every permit is back');
    must(clock.pendingTimers === 0, 'no timer is left');
    must(this.waiting.size === 0, 'no waiter is left');
    for (const caller of this.callers)
      must(caller.settled === 1, `an acquire settled ${caller.settled} times`);
  }
}

class Caller extends FakeAcquire {
  constructor(
    private readonly world: World,
    host: FakeHost,
    fresh: boolean,
    react: Reaction,
    begins: boolean,
  ) {
    super(host, {
      fresh,
      begins,
      onConnected: () => {
        this.#served();
        this.#react(react);
      },
      onRefused: () => {
        must(world.waiting.delete(this), 'it settled once');
        this.#refused();
        this.#react(react);
      },
    });
  }

  #refused(): void {
    const { world, host, error } = this;
    if (!(error instanceof PoolError)) {
      must(this.isFresh || !world.hasStaying(host), 'while one is live that stays, waiters wait');
      if (error instanceof DialTimeout)
        must(this.sinceMs <= error.dial.startedAtMs, 'none fails by time it did not wait');
    }
    const wasAtOnce = this.isStarting && error instanceof PoolError;
    if (!wasAtOnce) world.waitRefused(host);
  }

  get isFresh(): boolean {
    return this.waiter?.needsFresh ?? this.needsFresh;
  }

  #served(): void {
    const { world, host } = this;
    const connection = this.served;
    must(world.waiting.delete(this), 'it settled once');
    must(
      !world.drained.has(host) || this.waiter !== undefined || this.wasInLine,
      'not after a drain',
    );
    world.holding.add(this);
    world.served.set(host, (world.served.get(host) ?? 0) + 1);
    must(connection.isOpen, 'what is handed out is open');
    must(connection.record.holders <= connection.callerLimit, 'and has a slot');
    must(!this.wasSpent || this.isReused === false, 'what is reused is under its limits');
    must(this.options.fresh !== true || this.isReused === false, 'fresh means fresh');
    // Late binding: it went to the oldest of the waiters that it suits, and to none that came later.
    const [oldest] = this.isReused === true ? host.hostPool.line.any : [undefined];
    if (oldest !== undefined)
      must(oldest.ticket >= (this.ticket ?? this.nextTicket), 'the oldest waiter is served first');
    if (connection.canShare) return;
    must(this.isReused === connection.record.requestCount > 1 || this.isReused === true, 'fresh');
  }

  /** Its place in the queue; undefined when it never waited. */
  ticket: number | undefined = undefined;
  /** The place it would have had, had it waited. */
  nextTicket = 0;
  wasInLine = false;
  /** Was its connection beyond its limits when it was handed over? */
  wasSpent = false;
  isStarting = false;
  needsFresh = this.options.fresh === true;
  sinceMs = 0;

  override connected(connection: FakeConnection, reused: boolean): void {
    const { hostPool, pool } = this.host;
    const { record, underWay } = connection;
    // Those that were handed it before, and have not begun, will use it, too.
    const toCome = connection.canShare ? record.holders - underWay - 1 : 0;
    this.wasSpent = record.isSpent(pool.clock.now(), hostPool.settings, toCome);
    super.connected(connection, reused);
  }

  override start(): this {
    this.isStarting = true;
    this.nextTicket = this.host.hostPool.line.nextTicket;
    this.sinceMs = this.world.pool.clock.now();
    super.start();
    this.isStarting = false;
    this.needsFresh = this.waiter?.needsFresh ?? this.needsFresh;
    this.ticket = this.waiter?.ticket;
    this.wasInLine = this.waiter !== undefined;
    return this;
  }

  #react(react: Reaction): void {
    const { world, host } = this;
    if (world.depth >= 3) return;
    world.depth += 1;
    switch (react) {
      case 'nothing':
        break;
      case 'release':
        if (this.state === 'served') world.release(this, true);
        break;
      case 'acquire':
        world.acquire(host, false, 'release');
        world.acquire(nth(world.pool.hosts, 1)!, true, 'nothing');
        break;
      case 'cancel':
        world.cancel([...world.waiting].find((caller) => caller.waiter !== undefined));
        break;
      case 'release other': {
        const [other] = world.holding;
        if (other !== undefined && other !== this) world.release(other, false);
      }
    }
    world.depth -= 1;
  }
}

/** A dial that took longer than `connectTimeout`. */
class DialTimeout extends ConnectError {
  constructor(readonly dial: FakeDial) {
    super('HOTARU_CONNECT_TIMEOUT', 'no connection in time');
  }
}

function countSharing(host: FakeHost, sharing: string): number {
  return host.connections.filter(({ isClosed, record }) => !isClosed && record.sharing === sharing)
    .length;
}
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}
function nth<T>(list: readonly T[], n: number): T | undefined {
  return list[n % list.length];
}
function inOrder(tickets: number[]): boolean {
  return tickets.every((ticket, i) => i === 0 || ticket > tickets[i - 1]!);
}

// ── the promise ────────────────────────────────────────────────────────────────────────────────────

it('keeps every invariant through any sequence of a hundred thousand events', () => {
  let events = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(origin, { minLength: 1, maxLength: 3 }),
      fc.array(event, EVENTS_PER_RUN),
      fc.option(rareEnd),
      fc.boolean(),
      (maxTotal, origins, sequence, early, drains) => {
        const world = new World(maxTotal, origins);
        for (const [i, happened] of sequence.entries()) {
          if (i === early?.at) {
            const host = world.host(early.host);
            world.drained.add(host);
            host.hostPool.drain();
          }
          const before = world.sizes();
          world.play(happened);
          world.check(before);
          events += 1;
        }
        if (drains) world.drain();
        else world.close();
      },
    ),
    { numRuns: RUNS },
  );
  expect(events).toBeGreaterThanOrEqual(EVENTS_AT_LEAST);
}, 60_000);

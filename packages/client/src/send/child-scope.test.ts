/** A scope inside a scope: what reaches it from its parent, what it keeps to itself, and what it leaves behind. */
import { queryObjects } from 'node:v8';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link } from '../pool/linked-list.js';
import { RequestScope } from './request-scope.js';
import type { RequestScopeOptions } from './scope-options.js';
import type { CallReport, LeftCall, OpenCall, ScopedCall } from './scoped-call.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A call that writes down what its scope tells it. */
class FakeCall implements ScopedCall {
  readonly told: string[] = [];
  readonly link = new Link<ScopedCall>(this);

  constructor(
    readonly scope: RequestScope,
    readonly path: string,
    /** A body that is being read goes on when its scope ends. */
    readonly kind: 'in flight' | 'unread' | 'reading' = 'in flight',
  ) {
    scope.track(this.link);
  }

  #over(what: string): void {
    this.told.push(what);
    this.scope.untrack(this.link);
  }

  abortWithScope(reason: unknown): void {
    this.#over(`abort ${(reason as Error).message}`);
  }

  expireWithScope(): void {
    this.#over(`expire: ${this.scope.expiry}`);
  }

  scopeDeadlineMoved(): void {
    this.told.push(`deadline ${this.scope.deadlineMs}`);
  }

  describe(): OpenCall {
    return { method: 'GET', origin: 'http://a', path: this.path, phase: 'headers', ms: 0 };
  }

  endWithScope(abortsReading: boolean): LeftCall | undefined {
    if (this.kind === 'reading' && !abortsReading) return undefined;
    this.#over('end');
    const left = this.kind === 'unread' ? 'unread' : 'in flight';
    return { method: 'GET', url: this.path, callSite: undefined, left };
  }
}

const REQUEST = 'the deadline of the request that it was made for has passed';
const OWN = 'the deadline of the scope that it was made in has passed';
const reason = new Error('left');

interface Family {
  parent: RequestScope;
  child: RequestScope;
  sibling: RequestScope;
  grandchild: RequestScope;
  calls: Record<'parent' | 'child' | 'sibling' | 'grandchild', FakeCall>;
}

function family(options: RequestScopeOptions = {}): Family {
  const parent = new RequestScope(options);
  const child = parent.child();
  const scopes = { parent, child, sibling: parent.child(), grandchild: child.child() };
  const calls = {
    parent: new FakeCall(parent, '/parent'),
    child: new FakeCall(child, '/child'),
    sibling: new FakeCall(scopes.sibling, '/sibling'),
    grandchild: new FakeCall(scopes.grandchild, '/grandchild'),
  };
  return { ...scopes, calls };
}

describe('what ends a scope and its children', () => {
  it.each<[string, (of: Family) => unknown, Record<keyof Family['calls'], string[]>]>([
    [
      'abort() of the parent',
      ({ parent }) => parent.abort(reason),
      { parent: ['abort left'], child: ['abort left'], sibling: ['abort left'], grandchild: ['abort left'] }, // prettier-ignore
    ],
    [
      'expire() of the parent',
      ({ parent }) => parent.expire(),
      { parent: [`expire: ${REQUEST}`], child: [`expire: ${REQUEST}`], sibling: [`expire: ${REQUEST}`], grandchild: [`expire: ${REQUEST}`] }, // prettier-ignore
    ],
    [
      'end() of the parent',
      ({ parent }) => parent.end(),
      { parent: ['end'], child: ['end'], sibling: ['end'], grandchild: ['end'] },
    ],
    [
      'abort() of a child',
      ({ child }) => child.abort(reason),
      { parent: [], child: ['abort left'], sibling: [], grandchild: ['abort left'] },
    ],
    [
      'expire() of a child',
      ({ child }) => child.expire(),
      { parent: [], child: [`expire: ${OWN}`], sibling: [], grandchild: [`expire: ${OWN}`] },
    ],
    [
      'end() of a child',
      ({ child }) => child.end(),
      { parent: [], child: ['end'], sibling: [], grandchild: ['end'] },
    ],
    [
      'abort() of the parent while it is held',
      ({ parent }) => {
        parent.hold();
        parent.abort(reason);
      },
      { parent: [], child: [], sibling: [], grandchild: [] },
    ],
    [
      'abort() of the parent, and the last hold of it',
      ({ parent }) => {
        const release = parent.hold();
        parent.abort(reason);
        release();
      },
      { parent: ['abort left'], child: ['abort left'], sibling: ['abort left'], grandchild: ['abort left'] }, // prettier-ignore
    ],
    [
      'abort() of the parent while a child is held',
      ({ parent, child }) => {
        child.hold();
        parent.abort(reason);
      },
      { parent: ['abort left'], child: [], sibling: ['abort left'], grandchild: [] },
    ],
    [
      'end() of the parent, and the last hold of a child after it',
      ({ parent, child }) => {
        const release = child.hold();
        parent.end();
        release();
      },
      { parent: ['end'], child: ['end'], sibling: ['end'], grandchild: ['end'] },
    ],
    [
      'abort() of a child while its parent is held and aborted',
      ({ parent, child }) => {
        parent.hold();
        parent.abort(new Error('other'));
        child.abort(reason);
      },
      { parent: [], child: ['abort left'], sibling: [], grandchild: ['abort left'] },
    ],
  ])('%s', (_what, act, told) => {
    const all = family();
    act(all);
    const heard = Object.entries(all.calls).map(([name, call]) => [name, call.told]);
    expect(Object.fromEntries(heard)).toEqual(told);
  });

  it('is the same for a child that had nothing to be told', () => {
    for (const [act, isAborted, isExpired] of [
      [(scope: RequestScope) => scope.abort(reason), true, false],
      [(scope: RequestScope) => scope.expire(), true, true],
      [(scope: RequestScope) => scope.end(), false, false],
    ] as const) {
      const parent = new RequestScope();
      const before = parent.child();
      const inner = before.child();
      act(parent);
      for (const child of [before, inner, parent.child()]) {
        expect([child.isOver, child.aborted, child.expired]).toEqual([true, isAborted, isExpired]);
        expect((child.refusal() as Error).message).toBe((parent.refusal() as Error).message);
        expect(child.reason).toBe(parent.reason);
        expect(child.signal.aborted).toBe(isAborted);
      }
    }
  });

  it('a child that ended by itself stays as it ended', () => {
    const { parent, child } = family();
    child.end();
    parent.abort(reason);
    expect([child.isOver, child.aborted]).toEqual([true, false]);
  });

  it.each<[string, (parent: RequestScope) => void, string[]]>([
    ['is aborted', (parent) => parent.abort(reason), ['abort left']],
    ['has expired', (parent) => parent.expire(), [`expire: ${REQUEST}`]],
    ['ends, and reading with it', (parent) => parent.end('is aborted'), ['end']],
    ['ends', (parent) => parent.end(), []],
  ])('a body that outlives its child ends with the parent, which %s', (_what, act, told) => {
    const parent = new RequestScope();
    const child = parent.child();
    const call = new FakeCall(child, '/', 'reading');
    child.end();
    expect(call.told).toEqual([]);
    act(parent);
    expect(call.told).toEqual(told);
  });

  it.each<[string, (parent: RequestScope) => void, string[]]>([
    ['is aborted', (parent) => parent.abort(reason), ['abort left']],
    ['has expired', (parent) => parent.expire(), [`expire: ${REQUEST}`]],
    ['ends, and reading with it', (parent) => parent.end('is aborted'), ['end']],
    ['ends', (parent) => parent.end(), []],
  ])('so it does when the child is held until after that: its parent %s', (_what, act, told) => {
    const parent = new RequestScope();
    const child = parent.child();
    const call = new FakeCall(child, '/', 'reading');
    const release = child.hold();
    child.end();
    act(parent);
    expect([call.told, child.isOver]).toEqual([[], false]);
    release();
    expect([call.told, child.isOver]).toEqual([told, true]);
  });
});

it('a scope that has ended leaves alone a child that waits for its own end', () => {
  const { parent, child, calls } = family();
  const release = child.hold();
  child.abort(reason);
  parent.end();
  expect(calls.child.told).toEqual([]);
  release();
  expect(calls.child.told).toEqual(['abort left']);
});

it('a child that lost its last call keeps what is in it: a grandchild is still told', () => {
  const { parent, child, calls } = family();
  child.untrack(calls.child.link);
  parent.abort(reason);
  expect(calls.grandchild.told).toEqual(['abort left']);
});

it('a child that is held, and has no call, is told of the end of its parent', () => {
  const parent = new RequestScope();
  const child = parent.child();
  const release = child.hold();
  parent.abort(reason);
  expect([child.isOver, child.aborted]).toEqual([false, true]);
  release();
  expect([child.isOver, child.reason]).toEqual([true, reason]);
});

describe('the deadline of a child', () => {
  it.each([
    [100, 300, 100],
    [300, 100, 100],
    [300, undefined, 300],
    [undefined, 100, 100],
    [undefined, undefined, Infinity],
  ])('parent %s, own %s: %s', (parentMs, ownMs, deadlineMs) => {
    const parent = new RequestScope({ deadlineMs: parentMs });
    expect(parent.child({ deadlineMs: ownMs }).deadlineMs).toBe(deadlineMs);
  });

  it('that is its own ends it alone, when a call notices and when its signal is watched', () => {
    for (const act of [
      (child: RequestScope) => child.deadlineReached(),
      (child: RequestScope) => child.signal,
    ]) {
      const { parent, child, sibling } = family({ deadlineMs: performance.now() + 500 });
      const part = child.child({ deadlineMs: performance.now() + 100 });
      act(part);
      vi.advanceTimersByTime(100);
      expect(part.expired).toBe(true);
      expect([parent, child, sibling].map((scope) => scope.isOver)).toEqual([false, false, false]);
      parent.end();
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it('that is its parent’s ends the parent, and all that is in it', () => {
    for (const act of [
      (child: RequestScope) => child.deadlineReached(),
      (child: RequestScope) => child.signal,
    ]) {
      const all = family({ deadlineMs: performance.now() + 100 });
      const part = all.child.child({ deadlineMs: performance.now() + 500 });
      act(part);
      vi.advanceTimersByTime(100);
      for (const scope of [all.parent, all.child, all.sibling, part])
        expect(scope.expired).toBe(true);
      expect(all.parent.callsAtDeadline.map(({ path }) => path)).toEqual(
        expect.arrayContaining(['/parent', '/child', '/sibling', '/grandchild']),
      );
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it('that is the same instant as its parent’s ends the parent, though its own timer is first', () => {
    const deadlineMs = performance.now() + 100.4; // a timer takes whole milliseconds
    const parent = new RequestScope({ deadlineMs });
    const child = parent.child({ deadlineMs });
    expect(parent.signal.aborted).toBe(false);
    vi.advanceTimersByTime(0.5);
    expect(child.signal.aborted).toBe(false);
    vi.advanceTimersByTime(100);
    expect([parent.expired, child.expired, child.expiry]).toEqual([true, true, REQUEST]);
  });

  it('leaves no timer once nothing is left that it could be told', () => {
    const parent = new RequestScope({ deadlineMs: performance.now() + 500 });
    const child = parent.child({ deadlineMs: performance.now() + 100 });
    const grandchild = child.child({ deadlineMs: performance.now() + 50 });
    const call = new FakeCall(grandchild, '/');
    grandchild.hold()();
    expect(vi.getTimerCount(), 'the call has no clock of its own for it').toBe(3);
    grandchild.untrack(call.link);
    expect(vi.getTimerCount(), 'that of the parent, whose end ends it').toBe(1);
    grandchild.hold();
    vi.advanceTimersByTime(50);
    expect(grandchild.expired).toBe(true);
  });

  it('is its own alone while the parent is held, and once the parent’s was lifted', () => {
    for (const act of [
      (parent: RequestScope) => void parent.hold(),
      (parent: RequestScope) => parent.liftDeadline(),
    ]) {
      const parent = new RequestScope({ deadlineMs: performance.now() + 100 });
      const ownMs = performance.now() + 300;
      const plain = new FakeCall(parent.child(), '/');
      const timed = new FakeCall(parent.child({ deadlineMs: ownMs }), '/');
      act(parent);
      expect([plain.told, timed.told]).toEqual([['deadline Infinity'], [`deadline ${ownMs}`]]);
    }
  });

  it('is gone while the child itself is held; the parent’s then still ends the parent, in its time', () => {
    const { parent, child, calls } = family({ deadlineMs: performance.now() + 100 });
    const release = child.hold();
    expect(child.deadlineMs).toBe(Infinity);
    expect(calls.child.told).toEqual(['deadline Infinity']);
    vi.advanceTimersByTime(100);
    expect([parent.isOver, child.isOver]).toEqual([true, false]);
    release();
    expect(calls.child.told.at(-1)).toBe(`expire: ${REQUEST}`);
  });

  it('is lifted from the child alone by its own liftDeadline()', () => {
    const parent = new RequestScope({ deadlineMs: 500 });
    const child = parent.child({ deadlineMs: 100 });
    child.liftDeadline();
    expect([child.deadlineMs, parent.deadlineMs]).toEqual([500, 500]);
  });

  it('that is no instant is refused', () => {
    const make = () => new RequestScope().child({ deadlineMs: Number.NaN });
    expect(make).toThrow(/^deadlineMs is NaN; allowed/);
  });
});

describe('the signal of a child', () => {
  it('aborts with the parent, and at once when the parent waits for a hold', () => {
    const { parent, child, sibling, grandchild } = family();
    const before = [child.signal, grandchild.signal];
    parent.hold();
    parent.abort(reason);
    for (const signal of [...before, sibling.signal, parent.child().signal])
      expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect([child.aborted, child.reason, child.isOver]).toEqual([true, reason, false]);
    expect(child.expired).toBe(false);
  });

  it('aborts at once, as expired, when the deadline of a parent passes that waits for a hold', () => {
    const { parent, child, grandchild } = family();
    parent.hold();
    parent.expire();
    for (const scope of [child, grandchild, parent.child()])
      expect([scope.aborted, scope.expired, scope.isOver, scope.reason]).toEqual([true, true, false, parent.reason]); // prettier-ignore
  });

  it('aborts alone with its child', () => {
    const { parent, child, sibling } = family();
    const signals = [child.signal, parent.signal, sibling.signal];
    child.abort(reason);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
  });

  it('is not made, and no timer set, unless it is asked for', () => {
    const make = vi.spyOn(globalThis, 'AbortController');
    const { child } = family({ deadlineMs: performance.now() + 100 });
    child.abort(reason);
    expect(make).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
    make.mockRestore();
  });
});

describe('what a child takes from its parent', () => {
  it('reports go to the callbacks of the parent, unless it has its own, and after all has ended', () => {
    const heard: string[] = [];
    const calls: FakeCall[] = [];
    const tell = (who: string) => (report: CallReport) => {
      heard.push(`${who} ${report.url}`);
      expect(calls.every(({ told }) => told.length === 1)).toBe(true);
    };
    const parent = new RequestScope({ onOpenCall: tell('open'), onUnreadBody: tell('unread') });
    const own = parent.child({ onOpenCall: tell('own open') });
    const plain = parent.child().child();
    for (const [scope, path] of [
      [own, '/own'],
      [plain, '/plain'],
    ] as const)
      calls.push(new FakeCall(scope, path), new FakeCall(scope, `${path}/unread`, 'unread'));
    parent.end();
    expect(heard.sort()).toEqual([
      'open /plain',
      'own open /own',
      'unread /own/unread',
      'unread /plain/unread',
    ]);
  });

  it('fields and call sites, unless it has its own', () => {
    const fields = () => [];
    const parent = new RequestScope({ fields, captureCallSites: true });
    const child = parent.child();
    expect([child.fields, child.captureCallSites]).toEqual([fields, true]);
    const other = parent.child({ fields: () => [['a', 'b']], captureCallSites: false });
    expect([other.fields?.(), other.captureCallSites]).toEqual([[['a', 'b']], false]);
  });

  it('its open calls are among those of the parent', () => {
    const { parent, child } = family();
    const paths = (scope: RequestScope) => scope.openCalls().map(({ path }) => path);
    expect(paths(parent)).toEqual(['/parent', '/child', '/grandchild', '/sibling']);
    expect(paths(child)).toEqual(['/child', '/grandchild']);
  });
});

describe('what children leave in their parent', () => {
  const COUNT = 10_000;
  it.each<[string, (child: RequestScope) => void, RequestScopeOptions?]>([
    ['were aborted', (child) => child.abort(reason)],
    ['have expired', (child) => child.expire()],
    ['have ended', (child) => child.end()],
    ['are held no longer', (child) => child.hold()()],
    ['had a deadline, and are held no longer', (child) => child.hold()(), { deadlineMs: 60_000 }],
    ['had a child with a call', (child) => child.child().end()],
    [
      'had a signal, and have ended',
      (child) => {
        expect(child.signal.aborted).toBe(false);
        child.end();
      },
    ],
    ['had a call that is over, and were dropped', () => undefined],
  ])('nothing, of 10 000 that %s', (_what, act, options) => {
    const parent = new RequestScope({ deadlineMs: performance.now() + 1_000 });
    for (let i = 0; i < COUNT; i += 1) {
      const child = parent.child(options);
      const call = new FakeCall(child, '/');
      act(child);
      child.untrack(call.link);
    }
    expect(Number(queryObjects(RequestScope)), 'alive').toBeLessThan(COUNT / 100);
    expect(parent.isOver).toBe(false);
  });

  it('no more than those in use, which it tells of its end', () => {
    const parent = new RequestScope();
    const calls = [1, 2, 3].map((n) => new FakeCall(parent.child().child(), `/${n}`));
    parent.end();
    expect(calls.map(({ told }) => told)).toEqual([['end'], ['end'], ['end']]);
  });
});

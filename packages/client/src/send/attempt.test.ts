/** One try on one connection, in each of its states: without sockets, and without a protocol. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  FakeCalls,
  polled,
  type Asked,
  type FakeCallHost,
  type Sending,
} from '../../test/support/fake-calls.js';
import { CONSTANTS } from '../config/constants.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import {
  AbortedError,
  ConnectError,
  HotaruClientError,
  TimeoutError,
  TransportError,
} from '../errors.js';
import { RequestScope } from './request-scope.js';
import type { CallReport } from './scoped-call.js';

function hostOf(config: PoolConfigInput = {}): FakeCallHost {
  return new FakeCalls(config).host();
}

function closed(): TransportError {
  return new TransportError('HOTARU_CONNECTION_CLOSED', 'the connection was closed');
}

/** Its connection is in the pool again, or is gone: nothing is held. */
function expectFree(host: FakeCallHost): void {
  expect(host.pool.activeCount).toBe(0);
  expect(host.calls.deadlines.size).toBe(0);
}

/** Brings an attempt into a state. */
const STATES = {
  acquiring: async (host: FakeCallHost, asked: Asked) => Promise.resolve(host.attempt(asked)),
  polling: async (host: FakeCallHost, asked: Asked) => {
    const begun = host.attempt(asked);
    host.connects();
    return Promise.resolve(begun);
  },
  sending: async (host: FakeCallHost, asked: Asked) => host.sending(asked),
  headers: async (host: FakeCallHost, asked: Asked) => {
    const sending = await host.sending(asked);
    sending.exchange.sends('written');
    return sending;
  },
  body: async (host: FakeCallHost, asked: Asked) => {
    const sending = await host.sending(asked);
    sending.exchange.sends('written');
    sending.exchange.responds(200, {}, 10);
    sending.exchange.pends();
    return sending;
  },
} as const;
type StateName = keyof typeof STATES;
const ALL = Object.keys(STATES) as StateName[];

describe('a response', () => {
  it('comes with its head, then its body, and the connection is kept', async () => {
    const host = hostOf();
    const { response, exchange, connection } = await host.sending({ request: { path: '/a' } });
    expect(exchange.told).toEqual(['start']);
    expect(exchange.request).toMatchObject({ method: 'GET', target: '/a', authority: 'api.test' });
    exchange.sends('written', 50);
    exchange.responds(200, { 'x-a': 'b' }, 5);
    exchange.gives('hello');
    exchange.ends({ 'x-t': 'u' });
    const res = await response;
    expect([res.status, res.headers.get('x-a'), await res.text()]).toEqual([200, 'b', 'hello']);
    expect((await res.trailers).get('x-t')).toBe('u');
    expect(exchange.told).toEqual(['start', 'release']);
    expect([...host.pool.idle]).toEqual([connection]);
    expectFree(host);
  });

  it('without a body is whole with its head', async () => {
    const host = hostOf();
    const { response, exchange } = await host.sending();
    exchange.sends('written');
    exchange.responds(204);
    exchange.ends();
    expect(await (await response).text()).toBe('');
    expectFree(host);
  });

  it('may come before the request is out, and the rest of it starts no clock', async () => {
    const host = hostOf({ headersTimeout: 50, bodyTimeout: 50 });
    const { response, exchange } = await host.sending({ request: { method: 'PUT', body: 'x' } });
    exchange.sends('socket');
    exchange.responds(200, {}, 5);
    exchange.pends();
    exchange.sends('written');
    host.calls.clock.advance(60_000);
    exchange.gives('hello');
    exchange.ends();
    expect(await (await response).text()).toBe('hello');
  });

  it('that proves nothing of its connection has it closed', async () => {
    const host = hostOf();
    const { exchange, connection } = await host.sending();
    exchange.isReusable = false;
    exchange.sends('written');
    exchange.responds(200);
    exchange.ends();
    expect(connection.isOpen).toBe(false);
    expectFree(host);
  });

  it('larger than allowed by its head is refused, and no response', async () => {
    const host = hostOf();
    const limit = (call: { maxResponseBytes: number }) => void (call.maxResponseBytes = 4);
    const { response, exchange, connection } = await host.sending({}, limit);
    exchange.sends('written');
    exchange.responds(200, {}, 5);
    await expect(response).rejects.toMatchObject({ code: 'HOTARU_RESPONSE_TOO_LARGE' });
    expect([exchange.told.at(-1), connection.isOpen]).toEqual(['release', false]);
    expectFree(host);
  });

  it('is told of before by 1xx; what its callback throws ends the call', async () => {
    const heard: unknown[] = [];
    const host = hostOf();
    const reason = new Error('enough');
    const onInformational = (status: number, headers: { get(name: string): unknown }): void => {
      heard.push([status, headers.get('link')]);
      if (status === 102) throw reason;
    };
    const { response, exchange } = await host.sending({ options: { onInformational } });
    exchange.informs(103, { link: 'a' });
    exchange.informs(102);
    await expect(response).rejects.toBe(reason);
    expect(heard).toEqual([
      [103, 'a'],
      [102, undefined],
    ]);
    expectFree(host);
  });
});

describe('an abort', () => {
  it.each(ALL)('in the state %s ends the call with the reason itself', async (state) => {
    const host = hostOf();
    const controller = new AbortController();
    const { signal } = controller;
    const { response } = await STATES[state](host, { options: { signal } });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    const reason = new Error('left');
    const text = response.then((res) => res.text());
    if (state === 'body') await response;
    controller.abort(reason);
    await expect(text).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expectFree(host);
  });

  it('before the call begins sends nothing', async () => {
    const host = hostOf();
    const { response } = host.attempt({ options: { signal: AbortSignal.abort('why') } });
    await expect(response).rejects.toBe('why');
    expect(host.dialCount).toBe(0);
  });

  it('while the socket is polled keeps the connection: nothing was written', async () => {
    const host = hostOf();
    const controller = new AbortController();
    const { response } = await STATES.polling(host, { options: { signal: controller.signal } });
    controller.abort();
    await polled();
    await expect(response).rejects.toMatchObject({ name: 'AbortError' });
    expect(host.connections[0]).toMatchObject({ isOpen: true, exchanges: [] });
    expect(host.pool.idle.size).toBe(1);
  });

  it('after the end does nothing', async () => {
    const host = hostOf();
    const { attempt, response, exchange } = await host.sending();
    exchange.sends('written');
    exchange.responds(200, {}, 5);
    exchange.gives('hello');
    exchange.ends();
    attempt.abort(new Error('late'));
    expect(await (await response).text()).toBe('hello');
  });
});

describe('a scope', () => {
  const reason = new Error('left');
  it.each(
    ALL.flatMap((state) => [
      [state, 'abort', (scope: RequestScope) => scope.abort(reason), reason.message] as const,
      [
        state,
        'expire',
        (scope: RequestScope) => scope.expire(),
        'HOTARU_DEADLINE_EXCEEDED',
      ] as const,
      [state, 'end', (scope: RequestScope) => scope.end('is aborted'), 'HOTARU_ABORTED'] as const,
    ]),
  )('in the state %s: %s() ends the call', async (state, _verb, act, wanted) => {
    const host = hostOf();
    const scope = new RequestScope();
    const { response } = await STATES[state](host, { scope });
    expect(scope.openCalls()).toHaveLength(1);
    const text = response.then((res) => res.text());
    if (state === 'body') await response;
    act(scope);
    const error = await text.catch((caught: unknown) => caught);
    expect(error instanceof HotaruClientError ? error.code : (error as Error).message).toBe(wanted);
    expect(scope.openCalls()).toEqual([]);
    expectFree(host);
  });

  it.each([
    ['acquiring', 'connect'],
    ['polling', 'send'],
    ['sending', 'send'],
    ['headers', 'headers'],
    ['body', 'body'],
  ] as const)('lists the call in the state %s as %s', async (state, phase) => {
    const host = hostOf();
    const scope = new RequestScope();
    await STATES[state](host, { scope, request: { path: '/p?secret' } });
    host.calls.clock.advance(12);
    expect(scope.openCalls()).toEqual([
      { method: 'GET', origin: 'http://api.test', path: '/p', phase, ms: 12 },
    ]);
  });

  it('that is over refuses the call, and nothing is sent', async () => {
    const host = hostOf();
    const scope = new RequestScope();
    scope.end();
    const { response } = host.attempt({ scope });
    await expect(response).rejects.toMatchObject({ code: 'HOTARU_ABORTED', bytesSent: 0 });
    expect(host.dialCount).toBe(0);
  });

  it('reports what it ended: in flight, unread, and nothing of what is done or drained', async () => {
    const host = hostOf();
    const reports: [string, CallReport][] = [];
    const scope = new RequestScope({
      onOpenCall: (report) => reports.push(['open', report]),
      onUnreadBody: (report) => reports.push(['unread', report]),
    });
    const asked = (path: string): Asked => ({ scope, request: { path } });
    await host.sending(asked('/open'));
    for (const path of ['/unread', '/whole', '/read', '/discarded']) {
      const { exchange, response } = await host.sending(asked(path));
      exchange.sends('written');
      exchange.responds(200, {}, path === '/whole' ? 2 : 200_000);
      if (path === '/whole') {
        exchange.gives('ok');
        exchange.ends();
      } else exchange.pends();
      const res = await response;
      if (path === '/read') void res.text().catch(() => undefined);
      if (path === '/discarded') void res.discard();
    }
    scope.end();
    expect(reports.map(([what, { url }]) => `${what} ${url}`)).toEqual([
      'open http://api.test/open',
      'unread http://api.test/unread',
      'unread http://api.test/whole',
    ]);
  });

  it('that lifts its deadline leaves the call its own', async () => {
    const host = hostOf();
    const scope = new RequestScope({ deadlineMs: 100 });
    const { response } = await host.sending({ scope }, (call) => call.endBy(300));
    scope.liftDeadline();
    host.calls.clock.advance(299);
    expect(scope.openCalls()).toHaveLength(1);
    host.calls.clock.advance(1);
    await expect(response).rejects.toMatchObject({
      message: expect.stringContaining('not done within 300 ms'),
    });
  });

  it('whose deadline a call notices has expired, with all its calls; each names it', async () => {
    const host = hostOf();
    const scope = new RequestScope({ deadlineMs: 100 });
    const first = await host.sending({ scope });
    const second = host.attempt({ scope });
    host.calls.clock.advance(100);
    for (const { response } of [first, second])
      await expect(response).rejects.toMatchObject({
        code: 'HOTARU_DEADLINE_EXCEEDED',
        message: expect.stringContaining('request that it was made for has passed, 100 ms after'),
      });
    expect(scope.callsAtDeadline).toHaveLength(2);
    expect(host.pool.counters.timeoutsByKind.deadline, 'each once').toBe(2);
  });
});

describe('a call that has no time', () => {
  it('left when it begins sends nothing', async () => {
    const host = hostOf();
    host.calls.clock.advance(100);
    const { response } = host.attempt({}, (call) => call.endBy(100));
    await expect(response).rejects.toMatchObject({ code: 'HOTARU_DEADLINE_EXCEEDED' });
    expect(host.dialCount).toBe(0);
  });
});

describe('a connection that is dead', () => {
  /** A connection that was used before. */
  async function used(host: FakeCallHost): Promise<void> {
    const { exchange } = await host.sending();
    exchange.sends('written');
    exchange.responds(204);
    exchange.ends();
  }
  const GET: Asked = {};
  const POST: Asked = { request: { method: 'POST', body: 'x' } };
  const KEYED: Asked = { ...POST, options: { idempotencyKey: 'k' } };
  const STREAM: Asked = {
    request: { method: 'PUT', body: (async function* () { yield 'x'; })() }, // prettier-ignore
  };

  it.each<[string, Asked, (sending: Sending) => void, boolean]>([
    ['GET, written', GET, ({ exchange }) => exchange.sends('written'), true],
    ['GET, nothing written', GET, () => undefined, true],
    ['POST, nothing written', POST, () => undefined, true],
    ['POST, written in part', POST, ({ exchange }) => exchange.sends('socket'), false],
    ['POST with a key, written', KEYED, ({ exchange }) => exchange.sends('written'), true],
    ['a stream, written in part', STREAM, ({ exchange }) => exchange.sends('source'), false],
    ['GET after a 1xx', GET, ({ exchange }) => exchange.informs(103), false],
  ])('and was reused: %s', async (_what, asked, act, isReplayed) => {
    const host = hostOf();
    await used(host);
    const sending = await host.sending(asked);
    expect(sending.connection).toBe(host.connections[0]);
    act(sending);
    sending.exchange.fails(closed());
    if (!isReplayed) {
      await expect(sending.response).rejects.toMatchObject({ retrySafe: false, attempts: [] });
      expectFree(host);
      return;
    }
    expect(host.dialCount, 'on a connection straight from its dial').toBe(1);
    const second = host.connects();
    await polled();
    second.last.sends('written');
    second.last.responds(200);
    second.last.ends();
    expect((await sending.response).attempts).toMatchObject([
      { connectionId: 0, reusedConnection: true, code: 'HOTARU_CONNECTION_CLOSED' },
    ]);
    expect(host.pool.counters.replays).toBe(1);
    expect(host.connections[0]?.isOpen).toBe(false);
    expectFree(host);
  });

  it('is tried once more, not twice: the second was not reused', async () => {
    const host = hostOf();
    await used(host);
    const { exchange, response } = await host.sending();
    exchange.fails(closed());
    const second = host.connects();
    await polled();
    second.last.fails(closed());
    await expect(response).rejects.toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      reusedConnection: false,
      retrySafe: true,
      attempts: [{ connectionId: 0 }],
    });
    expectFree(host);
  });

  it.each([
    ['was not reused', async (host: FakeCallHost) => host.sending(), closed()],
    [
      'failed for another reason',
      async (host: FakeCallHost) => used(host).then(() => host.sending()),
      new TransportError('HOTARU_PROTOCOL_ERROR', 'garbage'),
    ],
  ])('is not tried again where it %s', async (_what, begin, error) => {
    const host = hostOf();
    const { exchange, response } = await begin(host);
    exchange.sends('written');
    exchange.fails(error);
    await expect(response).rejects.toBe(error);
    expect(host.dialCount).toBe(0);
  });

  it('is not tried again by a pool that is closed', async () => {
    const host = hostOf();
    await used(host);
    const { exchange, response } = await host.sending();
    host.pool.close();
    if (exchange.state === 'open') exchange.fails(closed());
    await expect(response).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    expect(host.dialCount).toBe(0);
  });

  it('while it was polled is left out: idle ones run out, and then one is dialled', async () => {
    const host = hostOf();
    await used(host);
    const { response } = host.attempt({ request: { method: 'POST', body: 'x' } });
    host.connections[0]!.close();
    await polled();
    const second = host.connects();
    await polled();
    second.last.sends('written');
    second.last.responds(200);
    second.last.ends();
    expect((await response).attempts).toMatchObject([{ connectionId: 0, reusedConnection: true }]);
  });

  it('while it was polled, straight from its dial, is an error', async () => {
    const host = hostOf();
    const { response } = host.attempt();
    host.connects().close(new Error('reset'));
    await polled();
    await expect(response).rejects.toMatchObject({
      code: 'HOTARU_CONNECTION_CLOSED',
      message: expect.stringContaining('reset'),
      retrySafe: true,
    });
    expect(host.dialCount).toBe(0);
    expectFree(host);
  });
});

describe('a shared connection that is dead', () => {
  it('has what it carried sent on another one, once: no dial for each', async () => {
    const host = hostOf();
    const begun = [host.attempt(), host.attempt(), host.attempt()];
    // Three dials were begun for three callers; the first takes them all.
    const first = host.connects(4);
    await polled();
    const sent = [...first.exchanges];
    expect(sent).toHaveLength(3);
    for (const exchange of sent) exchange.sends('written');
    first.close();
    for (const exchange of sent) exchange.fails(closed());
    const second = host.connects(4);
    await polled();
    // The first of them had it straight from its dial: that is not tried again.
    await expect(begun[0]?.response).rejects.toMatchObject({ reusedConnection: false });
    expect(second.exchanges).toHaveLength(2);
    for (const exchange of second.exchanges) exchange.fails(closed());
    for (const { response } of begun.slice(1))
      await expect(response).rejects.toMatchObject({ attempts: [{ connectionId: 0 }] });
    expect(host.pool.counters.replays).toBe(2);
  });
});

describe('a request that its peer did not act on', () => {
  /** The body of a request, of which nothing has been read. */
  function untouched() {
    const source = {
      isGivenUp: false,
      [Symbol.asyncIterator]: () => ({
        next: async () => Promise.resolve({ done: true as const, value: undefined }),
        return: async () => {
          source.isGivenUp = true;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    };
    return source;
  }
  const refuse = ({ exchange }: Pick<Sending, 'exchange'>): void => {
    exchange.mayBeSentAgain = true;
    exchange.fails(closed());
  };

  it('is sent on another connection whatever its method, though the first was not reused', async () => {
    const host = hostOf();
    const body = untouched();
    const sending = await host.sending({ request: { method: 'POST', body } });
    sending.exchange.sends('continue');
    refuse(sending);
    expect(body.isGivenUp).toBe(false);
    const second = host.connects();
    await polled();
    expect(second.last.request.body).toMatchObject({ kind: 'stream', source: body });
    second.last.sends('written');
    second.last.responds(200);
    second.last.ends();
    expect((await sending.response).attempts).toMatchObject([{ connectionId: 0 }]);
    expect(host.pool.counters.replays).toBe(1);
    expectFree(host);
  });

  it('is sent on one that is there, if there is one', async () => {
    const host = hostOf();
    const first = await host.sending();
    const sending = await host.sending({ request: { method: 'POST', body: 'x' } });
    first.exchange.sends('written');
    first.exchange.responds(204);
    first.exchange.ends();
    refuse(sending);
    await polled();
    expect([host.dialCount, first.connection.exchanges.length]).toEqual([0, 2]);
    first.connection.last.sends('written');
    first.connection.last.responds(200);
    first.connection.last.ends();
    expect((await sending.response).connection).toMatchObject({ id: first.connection.id });
  });

  it('is not sent for ever, and its body is given up in the end', async () => {
    const host = hostOf();
    const body = untouched();
    const sending = await host.sending({ request: { method: 'POST', body } });
    for (let times = 0; times < CONSTANTS.maxRefusals; times += 1) {
      refuse({ exchange: host.connections.at(-1)!.last });
      host.connects();
      await polled();
    }
    refuse({ exchange: host.connections.at(-1)!.last });
    await expect(sending.response).rejects.toMatchObject({ retrySafe: true });
    expect([host.dialCount, host.connections.length]).toEqual([0, CONSTANTS.maxRefusals + 1]);
    expect(body.isGivenUp).toBe(true);
    expectFree(host);
  });

  it('is not sent again once its caller has left', async () => {
    const host = hostOf();
    const body = untouched();
    const sending = await host.sending({ request: { method: 'PUT', body } });
    refuse(sending);
    sending.attempt.abort('why');
    await expect(sending.response).rejects.toBe('why');
    expect(body.isGivenUp).toBe(true);
    expectFree(host);
  });

  it('for a shared connection was straight from its dial, and took no more, is tried again', async () => {
    const host = hostOf();
    const { response } = host.attempt({ request: { method: 'POST', body: 'x' } });
    for (let times = 0; times < CONSTANTS.maxRefusals; times += 1) {
      host.connects(2).close();
      await polled();
    }
    host.connects(2).close();
    await polled();
    await expect(response).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    expect(host.dialCount).toBe(0);
    expectFree(host);
  });
});

describe('an error', () => {
  it('has the facts of the call, and its name', async () => {
    const host = hostOf();
    const { exchange, response } = await host.sending({
      request: { method: 'POST', body: 'x', path: '/p?secret' },
    });
    exchange.sends('written', 70);
    host.calls.clock.advance(40);
    exchange.fails(closed());
    await expect(response).rejects.toMatchObject({
      message: 'POST http://api.test/p: the connection was closed',
      phase: 'headers',
      elapsedMs: 40,
      bytesSent: 70,
      responseStarted: false,
      reusedConnection: false,
      retrySafe: false,
    });
  });

  it('of a dial is each caller’s own', async () => {
    const host = hostOf({ maxPerHost: 1 });
    const { response } = host.attempt({ request: { path: '/a' } });
    const error = new ConnectError('HOTARU_CONNECT_FAILED', 'refused');
    host.refuses(error);
    const caught: unknown = await response.catch((failure: unknown) => failure);
    expect(caught).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', path: '/a', retrySafe: true });
    expect(error.path).toBeUndefined();
    expectFree(host);
  });

  it('in the middle of the body is that of its reader', async () => {
    const host = hostOf();
    const { exchange, response } = await STATES.body(host, {});
    const res = await response;
    const text = res.text();
    exchange.gives('half');
    exchange.fails(closed());
    await expect(text).rejects.toMatchObject({ phase: 'body', responseStarted: true });
    expectFree(host);
  });

  it('gives up a body stream that was never sent', async () => {
    const host = hostOf();
    let isReturned = false;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => Promise.resolve({ done: false as const, value: 'x' }),
        return: async () => {
          isReturned = true;
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    };
    const { attempt, response } = host.attempt({ request: { method: 'PUT', body: source } });
    attempt.abort('why');
    await expect(response).rejects.toBe('why');
    expect(isReturned).toBe(true);
  });

  it('of the scope is no unhandled rejection, and keeps the stack of its caller', async () => {
    const host = hostOf();
    const scope = new RequestScope();
    const caller = async (): Promise<unknown> => {
      const { response } = host.attempt({ scope });
      queueMicrotask(() => scope.end());
      return await response;
    };
    const error: unknown = await caller().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AbortedError);
    expect((error as Error).stack).toContain('attempt.test.ts');
  });
});

describe('timeouts', () => {
  it('count once, by their kind, and free all', async () => {
    const host = hostOf({ headersTimeout: 50 });
    const { response } = await STATES.headers(host, {});
    host.calls.clock.advance(50);
    await expect(response).rejects.toBeInstanceOf(TimeoutError);
    expect(host.pool.counters.timeoutsByKind).toMatchObject({ headers: 1 });
    expectFree(host);
  });
});

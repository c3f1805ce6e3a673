/**
 * Each clock of an attempt: it runs in its own state, from its beginning, for its whole length, and what its running
 * out means. With real connections the same is a table of states and clocks in test/phases.test.ts.
 */
import { describe, expect, it } from 'vitest';
import {
  FakeCalls,
  polled,
  type FakeCallHost,
  type Sending,
} from '../../test/support/fake-calls.js';
import { CONSTANTS } from '../config/constants.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import type { ErrorCode } from '../errors.js';
import type { SendOptions } from './options.js';
import type { VirtualClock } from '../testing/virtual-clock.js';
import { RequestScope } from './request-scope.js';

const OFF: PoolConfigInput = { acquireTimeout: Infinity, connectTimeout: Infinity, headersTimeout: Infinity, bodyTimeout: Infinity }; // prettier-ignore
const LONG_MS = 3_600_000;

function hostOf(config: PoolConfigInput = {}): FakeCallHost {
  return new FakeCalls({ ...OFF, ...config }).host();
}

async function outcome(
  response: Promise<unknown>,
): Promise<{ code?: ErrorCode; message?: string }> {
  return response.then(
    () => ({}),
    (error: unknown) => error as { code: ErrorCode; message: string },
  );
}

/** What is sent, after `act`, is ended by a clock after `ms`, and by none before. */
async function expectEnd(
  host: FakeCallHost,
  response: Promise<unknown>,
  ms: number,
): Promise<{ code?: ErrorCode; message?: string }> {
  // prettier-ignore
  let isOver = false;
  const ended = outcome(response).finally(() => (isOver = true));
  host.calls.clock.advance(ms - 1);
  await polled();
  expect(isOver, 'not before its time').toBe(false);
  host.calls.clock.advance(1);
  return await ended;
}

describe('the acquire clock', () => {
  it('runs from the start of the wait, in the queue', async () => {
    const host = hostOf({ maxPerHost: 1, acquireTimeout: 50 });
    await host.sending();
    const { response } = host.attempt();
    expect(await expectEnd(host, response, 50)).toMatchObject({ code: 'HOTARU_ACQUIRE_TIMEOUT' });
    expect(host.pool.counters.timeoutsByKind.acquire).toBe(1);
  });

  it('is that of the dial where nothing else could serve: connectTimeout of the call', async () => {
    const host = hostOf();
    const { response } = host.attempt({ options: { connectTimeout: 50 } });
    expect(await expectEnd(host, response, 50)).toMatchObject({
      code: 'HOTARU_CONNECT_TIMEOUT',
      message: expect.stringContaining('50 ms (connectTimeout)'),
    });
    expect(host.pool.counters.timeoutsByKind.connect).toBe(1);
  });

  it('is never longer than acquireTimeout, whatever the call allows its dial', async () => {
    const host = hostOf({ acquireTimeout: 30 });
    const { response } = host.attempt({ options: { connectTimeout: 50 } });
    expect(await expectEnd(host, response, 30)).toMatchObject({
      message: expect.stringContaining('30 ms (acquireTimeout)'),
    });
  });

  it('has stopped once there is a connection, while that is polled too', async () => {
    const host = hostOf({ acquireTimeout: 50 });
    const { response } = host.attempt();
    const connection = host.connects();
    host.calls.clock.advance(LONG_MS);
    await polled();
    connection.last.sends('written');
    connection.last.responds(204);
    connection.last.ends();
    expect((await response).status).toBe(204);
  });

  it('begins anew for another connection after one that was dead', async () => {
    const host = hostOf({ acquireTimeout: 50, maxPerHost: 1 });
    const first = await host.sending();
    first.exchange.sends('written');
    first.exchange.responds(204);
    first.exchange.ends();
    host.calls.clock.advance(40);
    const { response } = host.attempt();
    host.calls.clock.advance(40);
    host.connections[0]!.close();
    await polled();
    expect(await expectEnd(host, response, 50)).toMatchObject({
      code: expect.stringMatching(/^HOTARU_(?:ACQUIRE|CONNECT)_TIMEOUT$/),
    });
  });
});

describe('while the request goes out', () => {
  type Step = (sending: Sending, clock: VirtualClock) => void;
  const clocks = { headersTimeout: 70, bodyTimeout: 40 };
  it.each<[string, Step, number, ErrorCode]>([
    [
      'written: the head',
      ({ exchange }) => exchange.sends('written'),
      70,
      'HOTARU_HEADERS_TIMEOUT',
    ],
    ['socket: the peer', ({ exchange }) => exchange.sends('socket'), 40, 'HOTARU_BODY_TIMEOUT'],
    ['flush: the peer', ({ exchange }) => exchange.sends('flush'), 40, 'HOTARU_BODY_TIMEOUT'],
    [
      'socket again: anew with each slice',
      ({ exchange }, clock) => {
        exchange.sends('socket');
        clock.advance(39);
        exchange.sends('socket');
      },
      40,
      'HOTARU_BODY_TIMEOUT',
    ],
    [
      'written after flush: the head, from now on',
      ({ exchange }, clock) => {
        exchange.sends('flush');
        clock.advance(39);
        exchange.sends('written');
      },
      70,
      'HOTARU_HEADERS_TIMEOUT',
    ],
  ])('%s', async (_what, step, ms, code) => {
    const host = hostOf(clocks);
    const sending = await host.sending({ request: { method: 'PUT', body: 'x' } });
    step(sending, host.calls.clock);
    expect(await expectEnd(host, sending.response, ms)).toMatchObject({ code });
  });

  it('a call’s own times come before the settings', async () => {
    const host = hostOf(clocks);
    const options: SendOptions = { headersTimeout: 10, bodyTimeout: 20 };
    const first = await host.sending({ options });
    first.exchange.sends('written');
    expect(await expectEnd(host, first.response, 10)).toMatchObject({
      message: expect.stringContaining('no answer within 10 ms'),
    });
    const second = await host.sending({ options, request: { method: 'PUT', body: 'x' } });
    second.exchange.sends('socket');
    expect(await expectEnd(host, second.response, 20)).toMatchObject({
      message: expect.stringContaining('took nothing of the request body for 20 ms'),
    });
  });

  it('source: none, the caller’s own body may take its time', async () => {
    const host = hostOf(clocks);
    const { exchange } = await host.sending({ request: { method: 'PUT', body: 'x' } });
    exchange.sends('socket');
    exchange.sends('source');
    host.calls.clock.advance(LONG_MS);
    expect(exchange.state).toBe('open');
  });

  it('continue: the body is sent when 100 does not come, and that clock is over', async () => {
    const host = hostOf(clocks);
    const { exchange } = await host.sending({
      request: { method: 'PUT', body: 'x', headers: { expect: '100-continue' } },
    });
    exchange.sends('continue');
    host.calls.clock.advance(CONSTANTS.expectContinueMs - 1);
    expect(exchange.told).not.toContain('continueUpload');
    host.calls.clock.advance(1);
    host.calls.clock.advance(LONG_MS);
    expect(exchange.told.filter((told) => told === 'continueUpload')).toHaveLength(1);
  });

  it('broken: a moment for an answer that may be here, then the exchange gives up', async () => {
    const host = hostOf();
    const { exchange, response } = await host.sending({ request: { method: 'PUT', body: 'x' } });
    exchange.sends('broken');
    host.calls.clock.advance(CONSTANTS.writeErrorGraceMs - 1);
    expect(exchange.told).not.toContain('giveUp');
    host.calls.clock.advance(1);
    expect(exchange.told).toContain('giveUp');
    await expect(response).rejects.toThrow('could not be written');
  });
});

describe('while the body comes in', () => {
  async function pending(config: PoolConfigInput, options: SendOptions = {}) {
    const host = hostOf({ headersTimeout: 70, bodyTimeout: 40, ...config });
    const { exchange, response } = await host.sending({ options });
    exchange.sends('written');
    host.calls.clock.advance(60);
    exchange.responds(200, {}, 200_000);
    exchange.pends();
    return { host, exchange, res: await response };
  }

  it('no clock runs until it is read', async () => {
    const { host, exchange } = await pending({});
    host.calls.clock.advance(LONG_MS);
    expect(exchange.state).toBe('pending');
  });

  it.each([
    ['the setting', {}, 40],
    ['the call’s own time', { bodyTimeout: 20 }, 20],
  ])('a reader waits as long as %s says, anew with each piece', async (_what, options, ms) => {
    const { host, exchange, res } = await pending({}, options);
    const text = res.text();
    host.calls.clock.advance(ms - 1);
    exchange.gives('piece');
    expect(await expectEnd(host, text, ms)).toMatchObject({
      code: 'HOTARU_BODY_TIMEOUT',
      message: expect.stringContaining(`nothing of the response body came for ${ms} ms`),
    });
  });

  it('a body that was given up is drained for a moment, and then cut off', async () => {
    const { host, exchange, res } = await pending({});
    void res.discard();
    host.calls.clock.advance(CONSTANTS.drainMaxMs - 1);
    expect(exchange.state).toBe('pending');
    host.calls.clock.advance(1);
    expect(exchange.state).toBe('released');
  });
});

describe('the total clock', () => {
  it.each<[string, (host: FakeCallHost) => Promise<{ response: Promise<unknown> }>]>([
    ['the queue', async (host) => Promise.resolve(host.attempt({}, (call) => call.endBy(50)))],
    ['sending', async (host) => host.sending({}, (call) => call.endBy(50))],
    [
      'the body',
      async (host) => {
        const { exchange, response } = await host.sending({}, (call) => call.endBy(50));
        exchange.sends('written');
        exchange.responds(200, {}, 9);
        exchange.pends();
        return { response: response.then((res) => res.text()) };
      },
    ],
  ])('runs in %s, and says all the time it had', async (_what, begin) => {
    const host = hostOf();
    const { response } = await begin(host);
    expect(await expectEnd(host, response, 50)).toMatchObject({
      code: 'HOTARU_DEADLINE_EXCEEDED',
      message: expect.stringContaining('not done within 50 ms, all it had'),
    });
    expect(host.pool.counters.timeoutsByKind.deadline).toBe(1);
  });

  it('is earlier of its own and that of the scope, and asks that anew when it is told to', async () => {
    const host = hostOf();
    const scope = new RequestScope({ deadlineMs: 30 });
    const part = scope.child({ deadlineMs: 90 });
    const { response } = await host.sending({ scope: part }, (call) => call.endBy(200));
    scope.liftDeadline();
    expect(await expectEnd(host, response, 90)).toMatchObject({
      message: expect.stringContaining('deadline of the scope that it was made in has passed'),
    });
    expect([part.expired, scope.isOver]).toEqual([true, false]);
  });
});

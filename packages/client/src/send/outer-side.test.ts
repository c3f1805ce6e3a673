/** What an attempt is to its caller and its scope: beyond the table of attempt.test.ts, what is left when it is over. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeCalls, polled, type FakeCallHost } from '../../test/support/fake-calls.js';
import { RequestScope } from './request-scope.js';

function hostOf(): FakeCallHost {
  return new FakeCalls().host();
}

async function withBody(host: FakeCallHost, scope: RequestScope, isWhole: boolean) {
  const { exchange, response } = await host.sending({ scope });
  exchange.sends('written');
  exchange.responds(200, {}, isWhole ? 2 : 200_000);
  if (isWhole) {
    exchange.gives('ok');
    exchange.ends();
  } else exchange.pends();
  return { exchange, res: await response };
}

describe('a promise that nothing waits for', () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): unknown => unhandled.push(error);
  beforeEach(() => process.on('unhandledRejection', note));
  afterEach(() => {
    process.off('unhandledRejection', note);
    unhandled.length = 0;
  });

  it.each<[string, boolean, (scope: RequestScope) => void]>([
    ['is aborted', false, (scope) => scope.abort(new Error('left'))],
    ['has expired', false, (scope) => scope.expire()],
    ['has ended', false, (scope) => scope.end()],
    ['was over before', true, (scope) => scope.end()],
    ['was aborted before', true, (scope) => scope.abort(new Error('left'))],
    ['had expired before', true, (scope) => scope.expire()],
  ])('is no unhandled rejection when its scope %s', async (_what, isBefore, act) => {
    const host = hostOf();
    const scope = new RequestScope();
    if (isBefore) act(scope);
    const { attempt } = host.unwatched({ scope });
    if (!isBefore) act(scope);
    expect(attempt.isOver).toBe(true);
    for (let turns = 0; turns < 5; turns += 1) await polled();
    expect(unhandled).toEqual([]);
  });

  it('is one for any other reason, in a scope, too', async () => {
    const host = hostOf();
    const { attempt } = host.unwatched({ scope: new RequestScope() });
    const reason = new Error('its own');
    attempt.abort(reason);
    await polled();
    expect(unhandled).toEqual([reason]);
  });
});

describe('a scope', () => {
  it('knows a body that came whole until it is read, but as no open call', async () => {
    const host = hostOf();
    const unread: string[] = [];
    const scope = new RequestScope({ onUnreadBody: ({ url }) => unread.push(url) });
    const { res } = await withBody(host, scope, true);
    expect(scope.openCalls()).toEqual([]);
    const other = await withBody(host, scope, true);
    expect(await res.text()).toBe('ok');
    scope.end();
    expect(unread).toHaveLength(1);
    expect(other.res.bodyUsed).toBe(true);
  });

  it('knows nothing any more of a body that came whole and was given up', async () => {
    const host = hostOf();
    const scope = new RequestScope();
    const untracked = vi.spyOn(scope, 'untrack');
    for (const giveUp of ['discard', 'cancel'] as const) {
      const { res } = await withBody(host, scope, true);
      expect(untracked).not.toHaveBeenCalled();
      await (giveUp === 'discard' ? res.discard() : res.body.cancel());
      expect(untracked).toHaveBeenCalledOnce();
      untracked.mockClear();
    }
  });

  it('knows nothing any more of a body that its caller aborted, and does not report it as unread', async () => {
    const reports: string[] = [];
    const scope = new RequestScope({ onUnreadBody: ({ url }) => reports.push(url) });
    const untracked = vi.spyOn(scope, 'untrack');
    const host = hostOf();
    const aborter = new AbortController();
    const { exchange, response } = await host.sending({
      scope,
      options: { signal: aborter.signal },
    });
    exchange.sends('written');
    exchange.responds(200, {}, 200_000);
    exchange.pends();
    await response;
    aborter.abort(new Error('the other one was first'));
    expect(untracked).toHaveBeenCalledOnce();
    scope.end();
    expect(reports).toEqual([]);
  });

  it('that ends gives up an unread body: its connection is drained or closed', async () => {
    const host = hostOf();
    const scope = new RequestScope();
    const { exchange } = await withBody(host, scope, false);
    scope.end();
    exchange.gives('x'.repeat(60_000));
    exchange.gives('x'.repeat(60_000));
    expect(exchange.state).toBe('released');
  });

  it('that ends lets a body be drained that was discarded before, and one be read', async () => {
    const host = hostOf();
    const scope = new RequestScope();
    const discarded = await withBody(host, scope, false);
    void discarded.res.discard();
    const read = await withBody(host, scope, false);
    void read.res.text().catch(() => undefined);
    scope.end('goes on');
    expect([discarded.exchange.state, read.exchange.state]).toEqual(['pending', 'pending']);
  });
});

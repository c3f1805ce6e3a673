import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeExchange } from '../../../test/fake-inbound.js';
import { wireError } from '../response/http-error.js';
import type { HttpSafetyOptions } from './safety.js';

const post = (bodyLength: number, safety: HttpSafetyOptions = {}, awaitsContinue = false) =>
  fakeExchange({ method: 'POST', bodyLength, awaitsContinue }, safety);

afterEach(() => void vi.useRealTimers());

describe('a request body', () => {
  it('is collected once, from the first byte that is asked for', async () => {
    const { inbound, exchange } = post(6, {}, true);
    expect(inbound.calls).toEqual([]);
    const bytes = exchange.body.bytes();
    expect(exchange.body.bytes()).toBe(bytes);
    expect(inbound.calls).toEqual(['sayContinue', 'readBody']);
    inbound.send('abc');
    inbound.send('def');
    inbound.sendEnd();
    expect(String(await bytes)).toBe('abcdef');
  });

  it('that is none is empty, and nothing is asked of the transport', async () => {
    const { inbound, exchange } = fakeExchange();
    expect((await exchange.body.bytes()).length).toBe(0);
    expect(inbound.calls).toEqual([]);
  });

  it('with a byte too many is a 413, and its client is slowed down', async () => {
    const { inbound, exchange } = post(-1, { maxBodySize: 4 });
    const bytes = exchange.body.bytes();
    inbound.send('abc');
    inbound.send('de');
    await expect(bytes).rejects.toMatchObject({ code: 'HOTARU_BODY_TOO_LARGE' });
    expect(inbound.body).toBe('paused');
    expect(exchange.bodyFailure).toMatchObject({ code: 'HOTARU_BODY_TOO_LARGE' });
    inbound.send('more'); // what was on its way
    inbound.sendEnd();
  });

  it.each(['collected', 'streamed'])(
    'that is too large, and whose bytes are here when it is asked for, is not read on: %s',
    async (how) => {
      const { inbound, exchange } = post(-1, { maxBodySize: 4 });
      inbound.hasArrived = 'abcdef';
      const read = how === 'collected' ? exchange.body.bytes() : text(exchange.body.stream());
      await expect(read).rejects.toMatchObject({ code: 'HOTARU_BODY_TOO_LARGE' });
      expect(inbound.body).toBe('paused');
    },
  );

  it('that stalls is a 408 after bodyTimeout, counted from its last byte', async () => {
    vi.useFakeTimers();
    const { inbound, exchange } = post(9, { bodyTimeout: 100 });
    const failed = vi.fn();
    exchange.body.bytes().catch(failed);
    await vi.advanceTimersByTimeAsync(60);
    inbound.send('abc');
    await vi.advanceTimersByTimeAsync(60);
    expect(failed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(60);
    expect(failed.mock.calls).toMatchObject([[{ code: 'HOTARU_REQUEST_BODY_TIMEOUT' }]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('as a stream is paused while its reader has enough, and then no clock runs', async () => {
    vi.useFakeTimers();
    const { inbound, exchange } = post(1_000_000, { bodyTimeout: 100 });
    const stream = exchange.body.stream();
    stream.read(0);
    await vi.advanceTimersByTimeAsync(1); // Node reads in the next turn
    inbound.send('x'.repeat(100_000));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(inbound.body).toBe('paused');
    expect(stream.destroyed).toBe(false);
    stream.read();
    await vi.advanceTimersByTimeAsync(1);
    expect(inbound.body).toBe('reading');
  });

  it.each([
    ['its client has left', 'HOTARU_CLIENT_GONE', 'left'],
    ['it is broken', 'HOTARU_BAD_REQUEST', 'broken'],
    ['the answer is out', 'HOTARU_REQUEST_BODY_USED', 'answered'],
    ['another has read it', 'HOTARU_REQUEST_BODY_USED', 'read'],
  ])('fails at once when %s before it is read', async (_what, code, how) => {
    const { inbound, exchange } = post(3);
    if (how === 'left') inbound.leave();
    else if (how === 'broken') inbound.breakBody(wireError('HOTARU_BAD_REQUEST', 'zz'));
    else if (how === 'answered') inbound.respond(200, [], null);
    else inbound.body = 'whole';
    await expect(exchange.body.bytes()).rejects.toMatchObject({ code });
    expect(inbound.calls).not.toContain('readBody');
  });

  it('that breaks while it is read fails with what the transport says', async () => {
    const { inbound, exchange } = post(-1);
    const bytes = exchange.body.bytes();
    const error = wireError('HOTARU_BAD_REQUEST', 'zz');
    inbound.breakBody(error);
    await expect(bytes).rejects.toBe(error);
  });

  it('whose client leaves while it is read fails with why the request is over', async () => {
    const { inbound, exchange } = post(9);
    const bytes = exchange.body.bytes();
    inbound.leave({ late: inbound, timeoutMs: 5, unsentBytes: 1 });
    await expect(bytes).rejects.toMatchObject({ code: 'HOTARU_WRITE_TIMEOUT' });
  });
});

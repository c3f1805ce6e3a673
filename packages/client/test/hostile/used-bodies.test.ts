/**
 * A body that can be read once is sent whole or not at all (docs/rules.md, rule 14): one that was read
 * before, in part or by another call, is refused before a byte is written, never sent empty or cut.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { ConnectionPool, type RequestInit } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { expectRefused, sent } from './sending.js';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';
import { configOf, PROTOCOLS, startUpstream } from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  async function* pieces() {
    yield 'he';
    yield 'llo';
  }

  describe('a body that was used is refused', () => {
    it.each<[string, () => Promise<unknown>]>([
      [
        'a web stream read to its end',
        async () => {
          const stream = new Blob(['hello']).stream();
          const reader = stream.getReader();
          while (!(await reader.read()).done);
          reader.releaseLock();
          return stream;
        },
      ],
      [
        'a web stream read in part',
        async () => {
          const stream = ReadableStream.from(['he', 'llo']);
          const reader = stream.getReader();
          await reader.read();
          reader.releaseLock();
          return stream;
        },
      ],
      [
        'a web stream that was cancelled',
        async () => {
          const stream = new Blob(['hello']).stream();
          await stream.cancel();
          return stream;
        },
      ],
      ['a web stream that is being read', async () => lockedOf('hello')],
      [
        'a Node stream read in part',
        async () => {
          const stream = Readable.from(['he', 'llo']);
          await once(stream, 'readable');
          stream.read();
          return stream;
        },
      ],
      ['a destroyed Node stream', async () => Readable.from(['he', 'llo']).destroy()],
    ])('%s', async (_what, body) => {
      await expectRefused({ method: 'POST', body: (await body()) as ReadableStream });
    });

    it.each<[string, () => RequestInit['body']]>([
      ['a generator', pieces],
      ['a Node stream', () => Readable.from(['he', 'llo'])],
      ['a web stream', () => new Blob(['hello']).stream()],
      ['an iterator of one’s own', own],
    ])('by an earlier call: %s', async (_what, make) => {
      const body = make();
      expect((await sent({ method: 'POST', body })).text()).toBe('hello');
      await expectRefused({ method: 'POST', body });
    });

    it.each<[string, () => RequestInit['body']]>([
      ['a generator', pieces],
      ['a Node stream', () => Readable.from(['he', 'llo'])],
      ['a web stream', () => new Blob(['hello']).stream()],
    ])(
      'by a call that waited at the same time: %s is sent once, and whole',
      async (_what, make) => {
        await using upstream = await startUpstream(protocol);
        upstream.onConnection(answering);
        const pool = new ConnectionPool(configOf(protocol));
        const request = { method: 'POST', body: make() };
        const options = { timeout: HANG_GUARD_MS };
        const outcomes = await Promise.all([
          attempt(pool, upstream.url, request, options),
          attempt(pool, upstream.url, request, options),
        ]);
        expect(outcomes[0]).toMatchObject({ status: 200 });
        expect(codeOf(outcomes[1])).toBe('HOTARU_INVALID_REQUEST');
        const whole = upstream.requests.filter(({ complete }) => complete);
        expect(whole.map((one) => one.text())).toEqual(['hello']);
        pool.close();
      },
    );
  });

  describe('a body that was not', () => {
    it('may be sent as often as it can be read from its beginning', async () => {
      const body = { [Symbol.asyncIterator]: pieces };
      expect((await sent({ method: 'POST', body })).text()).toBe('hello');
      expect((await sent({ method: 'POST', body })).text()).toBe('hello');
    });

    it('may be a stream whose first bytes are there, but which has given none', async () => {
      const body = Readable.from(['he', 'llo']);
      await turn();
      expect((await sent({ method: 'POST', body })).text()).toBe('hello');
    });

    it('may wait for a connection, and is sent whole then', async () => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(answering);
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1 }));
      const calls = ['a', 'b', 'c'].map((name) =>
        attempt(pool, upstream.url, {
          method: 'POST',
          path: `/${name}`,
          body: Readable.from([name]),
        }),
      );
      await Promise.all(calls);
      expect(upstream.requests.map((one) => one.text())).toEqual(['a', 'b', 'c']);
      pool.close();
    });
  });

  function lockedOf(text: string): ReadableStream {
    const stream = new Blob([text]).stream();
    stream.getReader();
    return stream;
  }

  function own(): AsyncIterableIterator<string> {
    const inner = pieces();
    return {
      next: () => inner.next(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
});

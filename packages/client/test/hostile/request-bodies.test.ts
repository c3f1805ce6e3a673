/**
 * Request bodies (docs/rules.md, rule 14; RFC 9112 §6): callers lie about length, and
 * their streams break. What does not fit is refused before or while it is written: never padded, never
 * cut, never left to hang, and never an uncaught error.
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { ConnectionPool, formRequest, jsonRequest, type RequestInit } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it, vi } from 'vitest';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';
import { expectRefused, sent, show } from './sending.js';
import { configOf, PROTOCOLS, startUpstream } from '../support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  describe('a Content-Length of the caller', () => {
    const bodies: [string, () => RequestInit['body']][] = [
      ['text', () => 'hello'],
      ['bytes', () => Buffer.from('hello')],
    ];
    for (const [kind, body] of bodies)
      for (const value of [
        '4',
        '6',
        '0',
        '-5',
        '+5',
        '5.0',
        '5e0',
        '0x5',
        'five',
        '5, 5',
        '',
        '99999999999999999999',
      ])
        it(`${show(value)} for five bytes of ${kind} is refused`, () =>
          expectRefused({ method: 'POST', body: body(), headers: { 'content-length': value } }));

    it('twice is refused', () =>
      expectRefused({
        method: 'POST',
        body: 'hello',
        headers: [
          ['content-length', '5'],
          ['Content-Length', '5'],
        ],
      }));

    it('with Transfer-Encoding is refused', () =>
      expectRefused({
        method: 'POST',
        body: 'hello',
        headers: { 'content-length': '5', 'transfer-encoding': 'chunked' },
      }));

    it('without a body is refused', () =>
      expectRefused({ method: 'POST', headers: { 'content-length': '5' } }));

    it('that is right is sent once', async () => {
      const request = await sent({
        method: 'POST',
        body: 'hello',
        headers: { 'Content-Length': '5' },
      });
      expect([request.headers['content-length'], request.text()]).toEqual(['5', 'hello']);
    });

    it('counts bytes, not characters', async () => {
      const request = await sent({ method: 'POST', body: 'héllo€' });
      expect([request.headers['content-length'], request.text()]).toEqual(['9', 'héllo€']);
      await expectRefused({ method: 'POST', body: 'é', headers: { 'content-length': '1' } });
    });

    for (const [what, length] of [
      ['shorter than', '9'],
      ['longer than', '3'],
      ['longer than nothing:', '0'],
    ] as const)
      it(`that a stream turns out ${what} announced is an error; nothing is padded, nothing cut`, async () => {
        await using upstream = await startUpstream(protocol);
        upstream.script([(peer) => peer.waitForClose(), answering]);
        const pool = new ConnectionPool(configOf(protocol));
        async function* body() {
          yield 'he';
          await turn();
          yield 'llo';
        }
        const request = { method: 'POST', body: body(), headers: { 'content-length': length } };
        const outcome = await attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
        expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
        await upstream.waitForOpen(0);
        const next = await attempt(pool, upstream.url, { path: '/own' });
        if (upstream.accepted > 1) expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
        pool.close();
      });

    it('that a stream keeps to is sent, without chunks', async () => {
      async function* body() {
        yield 'he';
        yield Buffer.from('llo');
      }
      const request = await sent({
        method: 'POST',
        body: body(),
        headers: { 'content-length': '5' },
      });
      expect(request.headers).toMatchObject({ 'content-length': '5' });
      expect(request.headers).not.toHaveProperty('transfer-encoding');
      expect(request.text()).toBe('hello');
    });
  });

  describe('a Transfer-Encoding of the caller', () => {
    for (const value of [
      'gzip',
      'identity',
      'gzip, chunked',
      'chunked, chunked',
      'xchunked',
      '',
      'chunked, gzip',
    ])
      it(`${show(value)} is refused: only chunked is supported`, () =>
        expectRefused({
          method: 'POST',
          body: Readable.from(['hello']),
          headers: { 'transfer-encoding': value },
        }));

    it('chunked for a stream is sent once', async () => {
      const request = await sent({
        method: 'POST',
        body: Readable.from(['hello']),
        headers: { 'Transfer-Encoding': 'chunked' },
      });
      expect([request.headers['transfer-encoding'], request.text()]).toEqual(['chunked', 'hello']);
    });

    it('without a body is refused', () =>
      expectRefused({ method: 'POST', headers: { 'transfer-encoding': 'chunked' } }));
  });

  describe('a body', () => {
    it.each([1, true, {}, [], Symbol('x'), new Map(), new Date(0), () => 'x'])(
      'that is none is refused: %o',
      (body) => expectRefused({ method: 'POST', body } as unknown as RequestInit),
    );

    it.each<[string, () => RequestInit['body'], string]>([
      ['text', () => 'hello', 'hello'],
      ['empty text', () => '', ''],
      ['bytes', () => new Uint8Array([104, 105]), 'hi'],
      ['a view into a larger buffer', () => Buffer.from('xhellox').subarray(1, 6), 'hello'],
      ['URLSearchParams', () => new URLSearchParams({ a: 'b c' }), 'a=b+c'],
      ['a Node stream', () => Readable.from(['he', 'llo']), 'hello'],
      ['a web stream', () => new Blob(['hello']).stream(), 'hello'],
      [
        'an async iterable with empty pieces, which must not end the chunks',
        async function* () {
          yield 'he';
          yield '';
          yield new Uint8Array(0);
          yield 'llo';
        },
        'hello',
      ].map((part) =>
        typeof part === 'function' ? () => (part as () => RequestInit['body'])() : part,
      ) as never,
    ])('by %s arrives as it is', async (_what, body, text) => {
      const request = await sent({ method: 'POST', body: body() });
      expect(request.text()).toBe(text);
    });

    it('may come with a GET', async () => {
      expect((await sent({ method: 'GET', body: 'hello' })).text()).toBe('hello');
    });

    it('that is missing from a POST is announced as empty (RFC 9110 §8.6)', async () => {
      expect((await sent({ method: 'POST' })).headers['content-length']).toBe('0');
      expect((await sent({ method: 'GET' })).headers).not.toHaveProperty('content-length');
    });

    it.each([1, {}, null, undefined])('stream that gives %o is an error', async (piece) => {
      await using upstream = await startUpstream(protocol);
      upstream.script([(peer) => peer.waitForClose(), answering]);
      const pool = new ConnectionPool(configOf(protocol));
      async function* body() {
        yield piece as string;
      }
      const request = { method: 'POST', body: body() };
      const outcome = await attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
      expect(codeOf(outcome)).toBe('HOTARU_INVALID_REQUEST');
      await upstream.waitForOpen(0);
      pool.close();
    });

    it('stream that was already read is refused', async () => {
      const spent = Readable.from(['x']);
      spent.resume();
      await new Promise((resolve) => spent.on('end', resolve));
      await expectRefused({ method: 'POST', body: spent });
    });

    it('stream that is locked is refused', async () => {
      const locked = new Blob(['x']).stream();
      locked.getReader();
      await expectRefused({ method: 'POST', body: locked });
    });

    it('of a form carries its boundary, and JSON its type', async () => {
      const form = new FormData();
      form.set('file', new Blob(['hello']), 'a"b\r\n.txt');
      const request = await sent(formRequest('/form', form));
      expect(request.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/);
      expect(request.text()).toContain('hello');
      expect(request.text()).not.toContain('b\r\n.txt');
      const json = await sent(jsonRequest('/json', { a: 1 }));
      expect([json.headers['content-type'], json.text()]).toEqual(['application/json', '{"a":1}']);
    });
  });

  describe('a body of the caller that breaks', () => {
    const boom = new Error('boom');
    /** The call rejects with the error or because of it, and nothing is left uncaught. */
    const breaks = async (
      body: RequestInit['body'],
      pool = new ConnectionPool(configOf(protocol)),
    ) => {
      await using upstream = await startUpstream(protocol);
      upstream.script([(peer) => peer.waitForClose(), answering]);
      const outcome = await attempt(
        pool,
        upstream.url,
        { method: 'POST', body },
        { timeout: HANG_GUARD_MS },
      );
      expect(outcome).toHaveProperty('error');
      const next = await attempt(pool, upstream.url, { path: '/own' }, { timeout: 500 });
      if (upstream.accepted > 1) expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
      pool.close();
      return (outcome as { error: Error }).error;
    };
    const isBoom = (error: Error) => error === boom || error.cause === boom;

    it('a file that is not there is an error of the call, not of the process', async () => {
      const error = await breaks(createReadStream('/does/not/exist'));
      expect(
        JSON.stringify([error.message, (error.cause as Error | undefined)?.message]),
      ).toContain('ENOENT');
    });

    it.each<[string, () => RequestInit['body']]>([
      [
        'an iterator that throws at once',
        async function* () {
          throw boom;
        },
      ],
      [
        'an iterator that throws later',
        async function* () {
          yield 'x';
          await turn();
          throw boom;
        },
      ],
      [
        'an iterable that throws',
        () => ({
          [Symbol.asyncIterator]: () => {
            throw boom;
          },
        }),
      ],
      [
        'a next() that throws',
        () => ({
          [Symbol.asyncIterator]: () => ({
            next: () => {
              throw boom;
            },
          }),
        }),
      ],
      [
        'a result that throws',
        () => ({
          [Symbol.asyncIterator]: () => ({
            next: () =>
              Promise.resolve({
                get done(): boolean {
                  throw boom;
                },
              }),
          }),
        }),
      ],
      [
        'a Node stream that is destroyed',
        () =>
          new Readable({
            read() {
              this.destroy(boom);
            },
          }),
      ],
      [
        'a web stream that errors',
        () => new ReadableStream({ pull: (controller) => controller.error(boom) }),
      ],
    ] as never)('%s is the error of the call', async (_what, body) => {
      expect(isBoom(await breaks(body()))).toBe(true);
    });

    it('a Node stream is destroyed when its call fails before a byte of it was read', async () => {
      const pool = new ConnectionPool(configOf(protocol));
      const body = Readable.from(['x']);
      const signal = AbortSignal.abort(boom);
      await attempt(pool, 'http://127.0.0.1:9/', { method: 'POST', body }, { signal });
      await turn();
      expect(body.destroyed).toBe(true);
      pool.close();
    });

    it('a Node stream that fails while its call waits for a connection is an error of that call', async () => {
      await using upstream = await startUpstream(protocol);
      const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1 }));
      const first = attempt(pool, upstream.url);
      await upstream.connection(0);
      const body = new Readable({ read() {} });
      const second = attempt(pool, upstream.url, { method: 'POST', body }, { timeout: 60 });
      await turn();
      body.destroy(boom);
      await turn();
      expect(await second).toHaveProperty('error');
      pool.close();
      await first;
    });
  });

  describe('bytes whose buffer is transferred away', () => {
    const lost = (bytes: Uint8Array<ArrayBuffer>) =>
      structuredClone(bytes, { transfer: [bytes.buffer] });

    it.each([
      ['while the call waits for its connection', {}],
      ['while the call waits for 100 Continue', { expect: '100-continue' }],
    ] as const)('%s end that call, and no other', async (_when, headers) => {
      await using upstream = await startUpstream(protocol);
      upstream.onConnection(answering);
      const pool = new ConnectionPool(configOf(protocol));
      const body = new Uint8Array(64);
      const call = attempt(
        pool,
        upstream.url,
        { method: 'POST', body, headers },
        { timeout: HANG_GUARD_MS },
      );
      const others = [1, 2].map(() => attempt(pool, upstream.url, {}, { timeout: HANG_GUARD_MS }));
      if ('expect' in headers) await vi.waitFor(() => expect(upstream.requests).toHaveLength(3));
      lost(body);
      expect(codeOf(await call)).toBe('HOTARU_INVALID_REQUEST');
      for (const other of others) expect(await other).toMatchObject({ status: 200 });
      pool.close();
    });

    it.each([
      ['bytes', (bytes: Uint8Array) => bytes],
      [
        'a piece of a stream',
        async function* (bytes: Uint8Array) {
          yield await Promise.resolve(bytes);
        },
      ],
    ] as const)('while they are sent: %s', async (_what, bodyOf) => {
      await using upstream = await startUpstream(protocol);
      let resume: () => void = () => undefined;
      const resumed = new Promise<void>((resolve) => (resume = resolve));
      upstream.onConnection(async (peer) => {
        peer.pauseReading();
        await resumed;
        peer.resumeReading();
        await peer.waitForClose();
      });
      const pool = new ConnectionPool(configOf(protocol));
      const bytes = new Uint8Array(32 * 1024 * 1024);
      const request = { method: 'POST', body: bodyOf(bytes) as Uint8Array };
      const call = attempt(pool, upstream.url, request, { timeout: HANG_GUARD_MS });
      await vi.waitFor(() => expect(pool.stats().bytesSent).toBeGreaterThan(65_536));
      await turn();
      const moved = lost(bytes); // held: the kernel still reads from it
      resume();
      expect(codeOf(await call)).toBe('HOTARU_INVALID_REQUEST');
      expect(moved.byteLength).toBeGreaterThan(0);
      pool.close();
    });
  });
});

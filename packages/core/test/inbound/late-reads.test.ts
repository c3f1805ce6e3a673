/**
 * A request body that is first read when it cannot come any more is an error at once, not after `bodyTimeout`.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HttpContext } from '../../src/index.js';
import { deferred, RawClient, started, testApp } from '../helpers.js';

const WAYS: Record<string, (ctx: HttpContext) => Promise<unknown>> = {
  bytes: (ctx) => ctx.bytes(),
  json: (ctx) => ctx.json(),
  form: (ctx) => ctx.form(),
  stream: async (ctx) => {
    for await (const piece of ctx.stream) expect(piece).toBeInstanceOf(Buffer);
  },
};

// Longer than the test may take: what waited for it would be seen as a time-out.
const safety = { bodyTimeout: '10m' };
const headFor = (way: string) =>
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n' +
  `Content-Type: application/${way === 'form' ? 'x-www-form-urlencoded' : 'json'}\r\n\r\n`;

describe.each(Object.entries(WAYS))('a body read as %s', (way, read) => {
  const head = headFor(way);

  it.each([
    ['half of it sent', 'abcd'],
    ['all of it sent', '{"a":123}'],
  ])('after the client has left, with %s, rejects at once', async (_what, sent) => {
    const reached = deferred<HttpContext>();
    const failed = deferred<unknown>();
    const app = testApp({ safety });
    app.post('/', async (ctx) => {
      const left = new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      reached.resolve(ctx);
      await left;
      await read(ctx).catch((error: unknown) => failed.resolve(error));
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(head + sent);
    await reached.promise;
    raw.socket.resetAndDestroy();
    expect(await failed.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
  });

  it('after the response rejects at once, and says so', async () => {
    const failed = deferred<unknown>();
    const app = testApp({ safety });
    app.post('/', (ctx) => {
      setTimeout(() => void read(ctx).catch((error: unknown) => failed.resolve(error)), 20);
      return 'done';
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(`${head}abcd`);
    await raw.until(/done/);
    expect(await failed.promise).toMatchObject({
      code: 'HOTARU_REQUEST_BODY_USED',
      message: 'the response was sent already, and the unread request body was dropped with it',
    });
  });

  it('that another server has read before rejects at once', async () => {
    const app = testApp({ safety, mode: 'development' });
    app.post('/', async (ctx) => {
      await read(ctx);
    });
    const server = createServer((request, response) => {
      request.resume().once('end', () => app.handler(request, response));
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const raw = new RawClient((server.address() as AddressInfo).port).write(`${head}{"a":123}`);
    expect(await raw.until(/^HTTP\/1.1 (\d+)[^]*\}/)).toMatchObject({ 1: '500' });
    expect(raw.received).toContain('was read before the request came to the app');
    raw.socket.destroy();
  });
});

it('a stream that a handler has dropped does not end the process when its client leaves', async () => {
  const dropped = deferred<Readable>();
  const app = testApp();
  app.post('/', (ctx) => {
    const stream = ctx.stream.toReadable();
    stream.read(0);
    dropped.resolve(stream);
    return new Promise<string>(() => undefined);
  });
  const { port } = await started(app);
  const raw = new RawClient(port).write(`${headFor('stream')}abcd`);
  const stream = await dropped.promise;
  const closed = new Promise((resolve) => stream.once('close', resolve));
  raw.socket.destroy();
  await closed;
  expect(stream.errored).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
});

it('a small body whose stream was left keeps its connection: the rest is read, for the next request', async () => {
  const app = testApp();
  app.post('/', async (ctx) => {
    const stream = ctx.stream.toReadable();
    await new Promise((resolve) => stream.once('readable', resolve));
    return 'enough';
  });
  app.get('/next', () => 'next');
  const { port } = await started(app);
  const raw = new RawClient(port).write(
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60001\r\n\r\nx',
  );
  await raw.until(/keep-alive[^]*enough/);
  for (let i = 0; i < 3; i++) {
    raw.write('x'.repeat(20_000)); // more than a stream holds unread
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  raw.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.until(/\r\n\r\nnext$/);
});

import { createHash } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import supertest from 'supertest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { status } from '../src/index.js';
import { isDripping } from '../src/http/request/request-body.js';
import { deferred, RawClient, started, testApp } from './helpers.js';

function bodyApp() {
  const app = testApp({ mode: 'development' });
  app.post('/json', (ctx) => ctx.json<object>());
  app.post('/text', (ctx) => ctx.text());
  app.post('/bytes', (ctx) => ctx.bytes());
  app.post('/form', (ctx) => ctx.form());
  app.post('/files', async (ctx) => ({
    fields: await ctx.form(),
    files: (await ctx.files()).map(({ bytes, ...file }) => ({ ...file, text: bytes.toString() })),
  }));
  app.post('/stream', (ctx) => ctx.stream);
  return app;
}

const post = (path: string, type: string | undefined, body: string | Uint8Array) =>
  bodyApp().inject({
    method: 'POST',
    path,
    body,
    ...(type !== undefined && { headers: { 'content-type': type } }),
  });

describe('request bodies', () => {
  it('json(), text(), bytes() and stream', async () => {
    expect(await (await post('/json', 'application/json', '\ufeff{"a":1}')).json()).toEqual({
      a: 1,
    });
    expect(await (await post('/text', 'text/plain', 'grün')).text()).toBe('grün');
    expect(
      await (
        await post('/text', 'text/plain; charset="ISO-8859-1"', Buffer.from('grün', 'latin1'))
      ).text(),
    ).toBe('grün');
    expect(await (await post('/bytes', undefined, 'abc')).text()).toBe('abc');
    expect(await (await post('/stream', undefined, 'abc')).text()).toBe('abc');
  });

  it.each([
    ['/json', 'application/json', '{"secret":', 400, 'HOTARU_BAD_JSON'],
    ['/json', 'application/json', '', 400, 'HOTARU_BAD_JSON'],
    ['/text', 'text/plain; charset=klingon', 'x', 415, 'HOTARU_UNSUPPORTED_MEDIA_TYPE'],
    ['/json', 'text/plain', '{}', 415, 'HOTARU_UNSUPPORTED_MEDIA_TYPE'],
    ['/json', 'application/x-www-form-urlencoded', '{}', 415, 'HOTARU_UNSUPPORTED_MEDIA_TYPE'],
    ['/json', 'application/jsonx', '{}', 415, 'HOTARU_UNSUPPORTED_MEDIA_TYPE'],
    ['/form', 'application/json', '{}', 415, 'HOTARU_UNSUPPORTED_MEDIA_TYPE'],
    ['/form', 'multipart/form-data', 'x', 400, 'HOTARU_BAD_FORM'],
    ['/form', 'multipart/form-data; boundary=b', '--b\r\ncut', 400, 'HOTARU_BAD_FORM'],
    [
      '/form',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n--b--\r\n',
      400,
      'HOTARU_BAD_FORM',
    ],
    [
      '/form',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; filename="f"\r\n\r\nnameless\r\n--b--\r\n',
      400,
      'HOTARU_BAD_FORM',
    ],
    ['/form', 'application/x-www-form-urlencoded', 'a&'.repeat(1_001), 400, 'HOTARU_BAD_FORM'],
  ])('%s of %s that is none: %s → %i', async (path, type, body, status, code) => {
    const res = await post(path, type, body);
    expect(res.status).toBe(status);
    const problem = await res.text();
    expect(JSON.parse(problem)).toMatchObject({ code });
    expect(problem).not.toContain('secret');
  });

  it.each([
    'application/json',
    'Application/JSON; charset=utf-8',
    'application/problem+json',
    'application/vnd.api+json;version=1',
    undefined,
  ])('json() takes %s', async (type) => {
    expect(await (await post('/json', type, '{"a":1}')).json()).toEqual({ a: 1 });
  });

  it('refuses a content-encoding it would not undo', async () => {
    const res = await bodyApp().inject({
      method: 'POST',
      path: '/json',
      body: 'xx',
      headers: { 'content-encoding': 'gzip' },
    });
    expect([res.status, res.headers['accept-encoding']]).toEqual([415, 'identity']);
  });

  it('form() reads URL-encoded forms into a bag without a prototype', async () => {
    const app = testApp();
    app.post('/', async (ctx) => {
      const form = await ctx.form();
      return [
        Object.getPrototypeOf(form) === null,
        form['a'],
        form['__proto__'],
        form['constructor'] ?? null,
      ];
    });
    await supertest(app.handler)
      .post('/')
      .type('form')
      .send('a=1&a=2+%26&__proto__=x')
      .expect(200, [true, ['1', '2 &'], 'x', null]);
  });

  it('form() and files() read multipart', async () => {
    const res = await supertest(bodyApp().handler)
      .post('/files')
      .field('name', 'Ada')
      .field('__proto__', 'x')
      .attach('doc', Buffer.from('hello'), {
        filename: '../../etc/passwd',
        contentType: 'text/plain',
      })
      .attach('doc', Buffer.from(''), { filename: 'empty.bin' })
      .expect(200);
    expect(JSON.parse(res.text)).toEqual({
      fields: JSON.parse('{"name":"Ada","__proto__":"x"}') as object,
      files: [
        { field: 'doc', filename: 'passwd', contentType: 'text/plain', text: 'hello' },
        { field: 'doc', filename: 'empty.bin', contentType: 'application/octet-stream', text: '' },
      ],
    });
  });

  it('can be read more than once when collected, and once as a stream', async () => {
    const app = testApp({ mode: 'development' });
    app.post('/twice', async (ctx) => [
      await ctx.text(),
      await ctx.json(),
      (await ctx.bytes()).length,
    ]);
    app.post('/after', async (ctx) => {
      await ctx.text();
      return ctx.stream;
    });
    app.post('/before', async (ctx) => {
      await finished(ctx.stream.toReadable().resume());
      return ctx.text();
    });
    expect(await (await app.inject({ method: 'POST', path: '/twice', body: '1' })).json()).toEqual([
      '1',
      1,
      1,
    ]);
    for (const path of ['/after', '/before']) {
      const res = await app.inject({ method: 'POST', path, body: '1' });
      expect(await res.json()).toMatchObject({ status: 500, code: 'HOTARU_REQUEST_BODY_USED' });
    }
  });

  it('is empty when there is none', async () => {
    const app = testApp();
    app.get('/', async (ctx) => {
      let size = 0;
      for await (const chunk of ctx.stream) size += chunk.length;
      return { size };
    });
    app.post('/', async (ctx) => ({ text: await ctx.text() }));
    expect(await (await app.inject({})).json()).toEqual({ size: 0 });
    expect(await (await app.inject({ method: 'POST' })).json()).toEqual({ text: '' });
  });

  it('as a stream goes where docs/framework.md says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotaru-bodies-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const app = testApp();
    app.put('/files/<uuid:id>', async (ctx) => {
      await pipeline(ctx.stream, createWriteStream(join(folder, ctx.param('id'))));
      return status(201);
    });
    app.post('/checksum', async (ctx) => {
      const hash = createHash('sha256');
      for await (const piece of ctx.stream) hash.update(piece);
      return { sha256: hash.digest('hex') };
    });
    app.post('/echo', (ctx) => ctx.stream.toReadable().setEncoding('utf8'));
    const body = 'grün'.repeat(50_000);
    const id = '0b0ad7a6-6d5b-4e5e-9c38-5b8f8f1ec2d7';
    const put = await app.inject({ method: 'PUT', path: `/files/${id}`, body });
    expect([put.status, readFileSync(join(folder, id), 'utf8') === body]).toEqual([201, true]);
    const sum = await app.inject({ method: 'POST', path: '/checksum', body });
    expect(await sum.json()).toEqual({ sha256: createHash('sha256').update(body).digest('hex') });
    const echo = await app.inject({ method: 'POST', path: '/echo', body });
    expect((await echo.text()) === body).toBe(true);
  });

  it('as a stream slows the client down when it is not read, without a timeout', async () => {
    const go = deferred();
    const app = testApp({ safety: { maxBodySize: Infinity, bodyTimeout: 300 } });
    const total = 32 * 1_048_576;
    app.post('/', async (ctx) => {
      const reader = ctx.stream[Symbol.asyncIterator]();
      let size = (await reader.next()).value?.length ?? 0;
      await go.promise;
      for (let step = await reader.next(); step.done !== true; step = await reader.next())
        size += step.value.length;
      return { size };
    });
    let sent = 0;
    const body = Readable.from(
      (function* () {
        for (; sent < total; sent += 65_536) yield Buffer.alloc(65_536);
      })(),
    );
    const { port } = await started(app);
    const raw = new RawClient(port);
    raw.write(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\nConnection: close\r\n\r\n`,
    );
    body.pipe(raw.socket, { end: false });
    // Longer than bodyTimeout: a reader that pauses is no stall.
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(sent).toBeLessThan(total);
    go.resolve();
    expect(await raw.all()).toMatch(new RegExp(`\\{"size":${total}\\}$`));
  });

  it('too large as a stream: the stream fails with 413, and so does the request', async () => {
    const app = testApp({ safety: { maxBodySize: 10 } });
    app.post('/', async (ctx) => {
      await finished(ctx.stream.toReadable().resume());
      return 'never';
    });
    const res = await app.inject({
      method: 'POST',
      body: Readable.from(['12345678', '12345678']),
    });
    expect(res.status).toBe(413);
  });

  it('a handler learns that the client left in the middle of its body', async () => {
    const failed = deferred<unknown>();
    const reading = deferred();
    const app = testApp();
    app.post('/', async (ctx) => {
      const bytes = ctx.bytes();
      reading.resolve();
      await bytes.catch((error: unknown) => failed.resolve(error));
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    );
    await reading.promise;
    raw.socket.destroy();
    expect(await failed.promise).toMatchObject({ code: 'HOTARU_CLIENT_GONE' });
  });

  it('drips when it brings less than 240 bytes a second', () => {
    expect(isDripping(1_199, 5_000)).toBe(true);
    expect(isDripping(1_200, 5_000)).toBe(false);
  });
});

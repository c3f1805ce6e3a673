import { mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file, html, HttpError, json, redirect, status, stream, text } from '../src/index.js';
import { deferred, memoryLogger, RawClient, started, testApp } from './helpers.js';

describe('what a handler returns', () => {
  it.each([
    ['text', () => 'hällo', 200, 'text/plain; charset=utf-8', 'hällo'],
    ['empty text', () => '', 200, 'text/plain; charset=utf-8', ''],
    ['bytes', () => new TextEncoder().encode('abc'), 200, 'application/octet-stream', 'abc'],
    ['an object', () => ({ a: [1] }), 200, 'application/json', '{"a":[1]}'],
    ['a list', () => [1, 'x'], 200, 'application/json', '[1,"x"]'],
    [
      'an object without a prototype',
      () => Object.create(null) as object,
      200,
      'application/json',
      '{}',
    ],
    ['null', () => null, 204, undefined, ''],
    ['nothing', () => undefined, 204, undefined, ''],
    ['a Node stream', () => Readable.from(['a', 'b']), 200, 'application/octet-stream', 'ab'],
    ['a web stream', () => new Blob(['ab']).stream(), 200, 'application/octet-stream', 'ab'],
    ['an async iterable', () => letters('a', '', 'b'), 200, 'application/octet-stream', 'ab'],
    ['text()', () => text('x', 201), 201, 'text/plain; charset=utf-8', 'x'],
    ['html()', () => html('<p>'), 200, 'text/html; charset=utf-8', '<p>'],
    ['json()', () => json(null, { status: 202 }), 202, 'application/json', 'null'],
    ['status()', () => status(404), 404, undefined, ''],
    [
      'a thenable',
      () => ({ then: (done: (v: string) => void) => done('t') }),
      200,
      'text/plain; charset=utf-8',
      't',
    ],
  ])('%s', async (_what, handler, code, type, body) => {
    const app = testApp();
    app.get('/sync', handler as never);
    app.get('/async', (() => Promise.resolve().then(handler as () => unknown)) as never);
    for (const path of ['/sync', '/async']) {
      const res = await app.inject({ path });
      expect(res.status).toBe(code);
      expect(res.headers['content-type']).toBe(type);
      expect(await res.text()).toBe(body);
      const isStream = type === 'application/octet-stream' && body === 'ab';
      if (code !== 204 && !isStream)
        expect(res.headers['content-length']).toBe(String(Buffer.byteLength(body)));
    }
  });

  it.each([
    ['a number', 5],
    ['a Map', new Map()],
    ['a Response that was read', readResponse()],
    ['a function', () => 'x'],
    ['a BigInt inside', { n: 1n }],
    ['a stream of objects', Readable.from([{ a: 1 }])],
  ])('%s is a mistake: 500 that says so', async (_what, value) => {
    const app = testApp({ mode: 'development' });
    app.get('/', () => value as never);
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(500);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_INVALID_OUTCOME' });
  });

  it('gets the status and headers that ctx said, unless it has its own', async () => {
    const app = testApp();
    app.get('/draft', (ctx) => {
      ctx
        .status(201)
        .setHeader('X-A', '1')
        .setHeader('content-type', 'text/csv')
        .setHeader('x-n', 5);
      return 'a,b';
    });
    app.get('/own', (ctx) => {
      ctx.status(201).setHeader('x-a', 'ctx').setHeader('x-b', 'ctx');
      return text('x', { status: 203, headers: { 'X-A': 'own', 'x-skip': undefined } });
    });
    app.get('/nothing', (ctx) => void ctx.status(200).setHeader('x-a', '1'));
    await supertest(app.handler)
      .get('/draft')
      .expect(201, 'a,b')
      .expect('x-a', '1')
      .expect('content-type', 'text/csv')
      .expect('x-n', '5');
    await supertest(app.handler).get('/own').expect(203).expect('x-a', 'own').expect('x-b', 'ctx');
    await supertest(app.handler).get('/nothing').expect(200, '').expect('content-length', '0');
  });

  it('cannot split the response with a header', async () => {
    const app = testApp({ mode: 'development' });
    app.get('/value', (ctx) => void ctx.setHeader('x-a', 'b\r\nset-cookie: evil'));
    app.get('/name', (ctx) => void ctx.setHeader('x-a: b\r\nx', 'c'));
    app.get('/helper', () => text('x', { headers: { 'x-a': 'b\nc' } }));
    app.get('/redirect', () => redirect('/x\r\nset-cookie: a=b'));
    app.get('/framing', (ctx) => void ctx.setHeader('transfer-encoding', 'chunked'));
    for (const path of ['/value', '/name', '/helper', '/redirect', '/framing']) {
      const res = await app.inject({ path });
      expect(res.status).toBe(500);
      expect(res.headers['set-cookie']).toBeUndefined();
      expect(await res.json()).toMatchObject({ code: 'HOTARU_INVALID_HEADER' });
    }
  });

  it('redirects with what a header can hold', async () => {
    const app = testApp();
    app.get('/', () => redirect('/ä b?x=1', 303));
    app.get('/bad', () => redirect('/x', 200));
    await supertest(app.handler).get('/').expect(303).expect('location', '/%C3%A4%20b?x=1');
    await supertest(app.handler).get('/bad').expect(500);
  });

  it('sets, reads and deletes cookies', async () => {
    const app = testApp();
    app.get('/', (ctx) => {
      ctx.cookies.set('a', 'x y').set('b', '1', { secure: true, maxAge: 5 }).delete('c');
      return text(JSON.stringify([ctx.cookies.get('in'), ctx.cookies.get('constructor') ?? null]), {
        headers: { 'set-cookie': 'own=1' },
      });
    });
    app.get('/bad', (ctx) => void ctx.cookies.set('a;b', '1'));
    const res = await supertest(app.handler)
      .get('/')
      .set('cookie', 'in=%20z')
      .expect(200, '[" z",null]');
    expect(res.headers['set-cookie']).toEqual([
      'a=x%20y; Path=/; HttpOnly; SameSite=Lax',
      'b=1; Max-Age=5; Path=/; HttpOnly; Secure; SameSite=Lax',
      'c=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
      'own=1',
    ]);
    await supertest(app.handler).get('/bad').expect(500);
  });

  it('has no body with 204 and 304, whatever was returned', async () => {
    const app = testApp();
    for (const code of [204, 304]) {
      app.get(`/text/${code}`, () => text('x', code));
      app.get(`/stream/${code}`, () => stream(Readable.from(['x']), { status: code }));
    }
    const { port } = await started(app);
    for (const path of ['text/204', 'text/304', 'stream/204', 'stream/304']) {
      const raw = new RawClient(port).write(
        `GET /${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(await raw.all()).toMatch(/^HTTP\/1.1 [23]04 [^]*\r\n\r\n$/);
    }
  });
});

describe('errors', () => {
  it('HttpError is the answer: problem+json with its members, headers and extensions', async () => {
    const app = testApp({ mode: 'production' });
    app.get('/', () => {
      throw new HttpError(409, {
        title: 'Taken',
        detail: 'the name is taken',
        type: 'https://example.com/taken',
        code: 'NAME_TAKEN',
        headers: { 'retry-after': 5 },
        cause: new Error('secret'),
        suggestion: 'ada2',
      });
    });
    app.get('/short', () => {
      throw new HttpError(404, 'no such user');
    });
    const res = await supertest(app.handler).get('/').expect(409).expect('retry-after', '5');
    expect(JSON.parse(res.text)).toEqual({
      suggestion: 'ada2',
      type: 'https://example.com/taken',
      title: 'Taken',
      status: 409,
      detail: 'the name is taken',
      code: 'NAME_TAKEN',
    });
    const short = await app.inject({ path: '/short' });
    expect(await short.json()).toMatchObject({ title: 'Not Found', detail: 'no such user' });
    expect(() => new HttpError(200)).toThrow('allowed for an HttpError: a number from 400 to 599');
  });

  it('an extension cannot take the place of a member', async () => {
    const app = testApp();
    app.get('/', () => {
      const extensions = { status: 200, loop: {} as object };
      extensions.loop = extensions;
      throw new HttpError(400, extensions);
    });
    const res = await app.inject({ path: '/' });
    expect(await res.json()).toMatchObject({ status: 400 });
  });

  it.each([
    ['production', undefined],
    ['development', 'TypeError: the password is hunter2'],
  ] as const)('an unknown error in %s says %s, and never its stack', async (mode, detail) => {
    const { log, lines } = memoryLogger();
    const app = testApp({ mode, logger: log });
    app.get('/', () => {
      throw new TypeError('the password is hunter2');
    });
    const res = await app.inject({ path: '/?secret=1', headers: { authorization: 'secret' } });
    const body = await res.text();
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail,
      code: 'HOTARU_INTERNAL',
    });
    expect(body).not.toContain('.test.ts');
    const [line] = lines.filter((each) => each['level'] === 50);
    expect(line).toMatchObject({ method: 'GET', path: '/', msg: 'the request failed' });
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  it('a URIError of the handler is its own: a 500 that is logged', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.get('/', () => decodeURIComponent('%'));
    app.get('/async', async () => decodeURIComponent('%'));
    for (const path of ['/', '/async']) {
      lines.length = 0;
      const res = await app.inject({ path });
      expect(res.status).toBe(500);
      expect(await res.json()).toMatchObject({ code: 'HOTARU_INTERNAL' });
      expect(lines.filter((line) => line['level'] === 50)).toHaveLength(1);
    }
  });

  it('a thrown value that is no error is a 500', async () => {
    const app = testApp();
    app.get('/', () => {
      throw null;
    });
    app.get('/rejects', async () => Promise.reject(undefined));
    expect((await app.inject({ path: '/' })).status).toBe(500);
    expect((await app.inject({ path: '/rejects' })).status).toBe(500);
  });

  it.each(['at the first look', 'at the second look'])(
    'a `then` that throws %s is a 500, not the end of the process',
    async (when) => {
      const outcome = () => {
        let looks = when === 'at the first look' ? 1 : 0;
        return {
          get then() {
            if (++looks === 2) throw new Error('no such promise');
            return (resolve: (value: string) => void) => resolve('fine');
          },
        };
      };
      const app = testApp();
      app.get('/', outcome);
      app.get('/around', { middleware: ['..', (_ctx, next) => next()] }, outcome);
      app.get('/instead', { middleware: ['..', outcome] }, () => 'never');
      expect((await app.inject({ path: '/' })).status).toBe(500);
      // In a chain, another look may come in between and find it well.
      for (const path of ['/around', '/instead'])
        expect((await app.inject({ path })).status).toBeOneOf(
          when === 'at the first look' ? [500] : [200, 500],
        );
    },
  );

  it('keep headers about the request and drop those about the body that was drafted', async () => {
    const app = testApp();
    app.get('/', (ctx) => {
      ctx.status(201).setHeader('access-control-allow-origin', '*').setHeader('etag', '"1"');
      ctx.setHeader('content-encoding', 'gzip').setHeader('cache-control', 'max-age=9');
      throw new HttpError(404);
    });
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(404);
    expect(res.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'content-type': 'application/problem+json',
    });
    expect(res.headers).not.toHaveProperty('etag');
    expect(res.headers).not.toHaveProperty('content-encoding');
    expect(res.headers).not.toHaveProperty('cache-control');
  });

  it('keep the security policy of the site: its name starts as those about a body do', async () => {
    const app = testApp();
    app.use((ctx, next) => {
      ctx.setHeader('content-security-policy', "default-src 'none'");
      ctx.setHeader('content-disposition', 'attachment');
      return next();
    });
    app.get('/', () => {
      throw new HttpError(403);
    });
    const { headers } = await app.inject({ path: '/' });
    expect(headers['content-security-policy']).toBe("default-src 'none'");
    expect(headers).not.toHaveProperty('content-disposition');
  });
});

describe('streams', () => {
  it('send the head before the first piece is there', async () => {
    const more = deferred();
    const app = testApp();
    app.get('/', () =>
      stream(
        (async function* () {
          await more.promise;
          yield 'late';
        })(),
        { headers: { 'content-type': 'text/event-stream' } },
      ),
    );
    const res = await app.inject({ path: '/' });
    expect(res.headers['content-type']).toBe('text/event-stream');
    more.resolve();
    expect(await res.text()).toBe('late');
  });

  it('that fail at once become an error response', async () => {
    const app = testApp();
    app.get('/iterable', () => failing());
    app.get('/web', () => new ReadableStream({ start: (c) => c.error(new Error('no')) }));
    for (const path of ['/iterable', '/web']) {
      const res = await app.inject({ path });
      expect(res.status).toBe(500);
      expect(res.headers['content-type']).toBe('application/problem+json');
    }
  });

  it('that fail after the head are cut, so that a part never passes for the whole, and logged', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.get('/', () => failing('part'));
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const received = await raw.all();
    expect(received).toContain('part');
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(lines.find((line) => line['level'] === 50)?.['msg']).toBe(
      'the response was cut: its body failed',
    );
  });

  it.each([
    ['too long', ['abc', 'def'], /abc$/],
    ['too short', ['ab'], /ab$/],
  ])('whose content-length is a lie (%s) are cut', async (_what, pieces, end) => {
    const app = testApp();
    app.get('/', () => stream(letters(...pieces), { headers: { 'content-length': 5 } }));
    const { port } = await started(app);
    const received = await new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n').all();
    expect(received).toMatch(end);
  });

  it('leave out hop-by-hop headers of an upstream', async () => {
    const app = testApp();
    app.get('/', () =>
      stream(letters('x'), {
        headers: { connection: 'upgrade', 'transfer-encoding': 'gzip', 'x-a': '1' },
      }),
    );
    const res = await app.inject({ path: '/' });
    expect(res.headers['transfer-encoding']).toBe('chunked');
    expect(res.headers['x-a']).toBe('1');
    expect(await res.text()).toBe('x');
  });

  it.each(['Node stream', 'web stream', 'async iterable'])(
    'a %s is destroyed when the client leaves',
    async (kind) => {
      const ended = deferred();
      const app = testApp();
      app.get('/', () => {
        if (kind === 'Node stream')
          return new Readable({
            read() {
              this.push('x');
            },
            destroy(_error, done) {
              ended.resolve();
              done(null);
            },
          });
        if (kind === 'web stream')
          return new ReadableStream<string>({
            start: (c) => c.enqueue('x'), // and then never again
            cancel: () => ended.resolve(),
          });
        return (async function* () {
          try {
            for (;;) {
              await new Promise(setImmediate);
              yield 'x';
            }
          } finally {
            ended.resolve();
          }
        })();
      });
      const { port } = await started(app);
      const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await raw.until(/\r\n\r\n[^]*x/);
      raw.socket.destroy();
      await ended.promise;
    },
  );

  it('are not read for HEAD', async () => {
    let reads = 0;
    const app = testApp();
    app.get(
      '/',
      () =>
        new Readable({
          read: () => {
            reads++;
          },
        }),
    );
    await supertest(app.handler).head('/').expect(200);
    expect(reads).toBe(0);
  });

  it('wait for a slow reader: 64 MiB pass in bounded memory', async () => {
    const total = 64 * 1024;
    let produced = 0;
    let ahead = 0;
    let consumed = 0;
    const app = testApp();
    app.get('/', () =>
      (async function* () {
        for (; produced < total; produced++) {
          ahead = Math.max(ahead, produced - consumed / 1024);
          yield Buffer.alloc(1024, 'x');
        }
      })(),
    );
    const { url } = await started(app);
    const res = await fetch(url);
    for await (const chunk of res.body as unknown as AsyncIterable<Uint8Array>) {
      consumed += chunk.length;
      if (produced % 64 === 0) await new Promise(setImmediate);
    }
    expect(consumed).toBe(total * 1024);
    expect(ahead, 'KiB between writer and reader: socket buffers only').toBeLessThan(16 * 1024);
  });
});

describe('file()', () => {
  let root = '';
  beforeAll(async () => {
    const base = await mkdtemp(join(tmpdir(), 'hotaru-'));
    root = join(base, 'public');
    await mkdir(join(root, 'sub'), { recursive: true });
    await writeFile(join(base, 'secret.txt'), 'secret');
    await writeFile(join(root, 'a.html'), '<p>');
    await writeFile(join(root, 'empty.bin'), '');
    await writeFile(join(root, '.env'), 'secret');
    await writeFile(join(root, 'sub', 'b.txt'), 'bee');
    await symlink(join(base, 'secret.txt'), join(root, 'link.txt'));
    return () => rm(base, { recursive: true });
  });
  afterAll(() => undefined);

  function fileApp() {
    const app = testApp();
    app.get('/<**path:rest>', (ctx) => file(ctx.param('rest'), { root }));
    return app;
  }

  it('sends a file with its type and length', async () => {
    const res = await fileApp().inject({ path: '/a.html' });
    expect(res.status).toBe(200);
    expect(res.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-length': '3',
    });
    expect(await res.text()).toBe('<p>');
    expect(await (await fileApp().inject({ path: '/sub/b.txt' })).text()).toBe('bee');
    expect(await (await fileApp().inject({ path: '/empty.bin' })).text()).toBe('');
  });

  it.each([
    ...['/link.txt', '/.env', '/sub', '/', '/nope', '/a.html/x'],
    ...['/sub%2fb.txt', '/sub%2fnope', '/sub//b.txt', '//sub/b.txt', '/sub/b.txt/', '/a.html/'],
  ])('does not find %s', async (path) => {
    const res = await fileApp().inject({ path });
    expect(res.status).toBe(404);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_FILE_NOT_FOUND' });
  });

  it('has one path for a file: a guard on a prefix sees it', async () => {
    const app = testApp();
    app.use((ctx, next) => (ctx.path.startsWith('/files/sub/') ? text('no', 403) : next()));
    app.get('/files/<**path:rest>', (ctx) => file(ctx.param('rest'), { root }));
    for (const [path, status] of [
      ['/files/sub/b.txt', 403],
      ['/files//sub/b.txt', 404],
      ['/files/a.html', 200],
    ] as const)
      expect((await app.inject({ path })).status, path).toBe(status);
  });

  it.each([
    ...['/../secret.txt', '/%2e%2e/secret.txt', '/%2e%2e%2fsecret.txt'],
    ...['/sub/..%5c..%5csecret.txt', '/a.html%00.txt'],
  ])('is not even asked for %s', async (path) => {
    const res = await fileApp().inject({ path });
    expect(res.status).toBe(400);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_BAD_PATH' });
  });

  it.each([
    ...['../secret.txt', 'sub/../../secret.txt', 'sub\\..\\..\\secret.txt', '..', '.', '.env', ''],
    ...[
      'a.html\0.txt',
      '/etc/passwd',
      'sub/./b.txt',
      '/a.html',
      'sub//b.txt',
      'sub\\\\b.txt',
      'a.html/',
    ],
  ])('does not find %j, whatever the client', async (path) => {
    await expect(file(path, { root })).rejects.toMatchObject({ code: 'HOTARU_FILE_NOT_FOUND' });
  });

  it('wants a root', async () => {
    // @ts-expect-error the root is missing
    await expect(file('a.html', {})).rejects.toThrow(
      'file.root is undefined; allowed: the path of a folder',
    );
  });
});

/** A fetch Response without its body. */
function readResponse(): Response {
  const response = new Response('x');
  void response.text();
  return response;
}

async function* letters(...all: string[]): AsyncGenerator<string> {
  for (const letter of all) {
    await Promise.resolve();
    yield letter;
  }
}

async function* failing(...first: string[]): AsyncGenerator<string> {
  yield* first;
  await Promise.resolve();
  throw new Error('the source broke');
}

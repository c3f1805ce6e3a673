/** One path: what a guard sees on `ctx.path` or `ctx.url` is what is routed, whatever the client writes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { App } from '../src/index.js';
import { memoryLogger, RawClient, started, testApp } from './helpers.js';

/** What the handler saw, or the status of a refusal; targets go out as they are. */
async function ask(app: App, target: string) {
  const res = await app.inject({ path: target });
  const text = await res.text();
  return res.status === 200 ? (JSON.parse(text) as Record<string, string>) : res.status;
}

/** `/admin/…` and `/public/…`, and a record of every path that got to the handler of `/admin`. */
function guarded(look: (ctx: { path: string; url: URL }) => string) {
  const app = testApp();
  const leaked: string[] = [];
  app.use((ctx, next) => (look(ctx).startsWith('/admin') ? 'guarded' : next()));
  const open = (ctx: { path: string }) => {
    leaked.push(ctx.path);
    return 'open';
  };
  app.get('/admin', open).get('/admin/', open).get('/admin/<**path:rest>', open);
  app.get('/<**path:rest>', () => 'public');
  return { app, leaked };
}

const GUARDS = {
  'ctx.path': (ctx: { path: string }) => ctx.path,
  'ctx.url.pathname': (ctx: { url: URL }) => ctx.url.pathname,
};

/** Pieces that software disagrees about. */
const PIECES = [
  ...['admin', 'a', 'public', '.', '..', '%2e', '%2E', '%2e.', '/', '//', '%2f', '%2F', '\\'],
  ...['%5c', '%61', '%64min', '%', '%zz', '%00', '%0a', '%7f', '%C3%A9', '%c3%a9', '%C3', '%252e'],
  ...[';', '?', '?x=/admin', '#', '%23', '%3f', '|', '^', '"', '<', '%20', '+', ':', '@', '~'],
];
const target = fc
  .tuple(
    fc.constantFrom('', '', '', 'http://h', 'HTTP://h:80', 'http://u@h', 'https://[::1]'),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }),
  )
  .map(([origin, pieces]) => `${origin}/${pieces.join('')}`);

describe('ctx.path', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/%61dmin', '/admin'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%252fb', '/a%252fb'],
    ['/%7euser/%41%2D', '/~user/A-'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/a|b"c^`{}<>', '/a%7Cb%22c%5E%60%7B%7D%3C%3E'],
    ['/v1/users:batch;x=1,2@3$&+!*', '/v1/users:batch;x=1,2@3$&+!*'],
    ['/%3a%3B%40%26%3D%2B%24%2C%21%27%28%29%2A', "/:;@&=+$,!'()*"],
    ['/a%3fb%23c', '/a%3Fb%23c'],
    ['//a///b/', '//a///b/'],
    ['/...', '/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a..b/..c', '/a..b/..c'],
    ['http://example.com', '/'],
    ['http://example.com?x=1', '/'],
    ['http://example.com:80/%61?x', '/a'],
  ])('of %s is %s, which is also ctx.url.pathname', async (raw, path) => {
    const app = testApp();
    app.get('/<**path:rest>', (ctx) => ({ path: ctx.path, pathname: ctx.url.pathname }));
    expect(await ask(app, raw)).toEqual({ path, pathname: path });
  });

  it.each([
    ...['/..', '/a/../b', '/a/.', '/./a', '/%2e%2e', '/%2E./a', '/a/%2e/b', '/a/..%2fb'],
    ...['/x%2F%2e%2e%2fy', '/admin/..\\..\\z', '/a%5cb', '/a%00', '/a%0d%0ab', '/a%7f', '/a%c2%85'],
    ...['/a#b', '/a?b#c', '/%', '/a%zz', '/%C3', '/%ED%A0%80', '/%C0%AE%C0%AE/', '/%F8%80%80%80'],
    ...['ftp://example.com/a', 'example.com/a', '*', 'http://user:pw@example.com/a', 'http:///a'],
  ])('is none for %s: 400', async (raw) => {
    const app = testApp();
    app.get('/<**path:rest>', () => 'never');
    const { port } = await started(app);
    const client = new RawClient(port).write(
      `GET ${raw} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    expect(await client.all()).toMatch(/^HTTP\/1.1 400 /);
  });

  it('is what the router matched, whichever way a pattern is found', async () => {
    const app = testApp();
    const say = (ctx: { path: string; pattern: string | undefined }) => ({
      path: ctx.path,
      pattern: ctx.pattern ?? 'none',
    });
    app.get('/über/100\\%', say).get('/a b/<int:n>', say).get('/plain', say);
    for (const raw of ['/%c3%bcber/100%25', '/%C3%BCb%65r/%31%30%30%25'])
      expect(await ask(app, raw)).toEqual({
        path: '/%C3%BCber/100%25',
        pattern: '/über/100\\%',
      });
    expect(await ask(app, '/a%20b/%37')).toEqual({ path: '/a%20b/7', pattern: '/a b/<int:n>' });
    expect(await ask(app, '/pl%61in?x')).toEqual({ path: '/plain', pattern: '/plain' });
  });

  it('of a refused target is one segment, under no prefix that a middleware may serve', async () => {
    const seen: unknown[] = [];
    const app = testApp();
    app.use((ctx, next) => {
      seen.push([ctx.path, ctx.url.pathname, ctx.pattern]);
      return next();
    });
    expect(await ask(app, '/admin/..\\..\\z')).toBe(400);
    const path = '/refused:%2Fadmin%2F..%5C..%5Cz';
    expect(seen).toEqual([[path, path, undefined]]);
  });

  it('is known to the log and to middleware also when the head is refused', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log });
    app.use((ctx, next) => {
      ctx.log.info('asked');
      return next();
    });
    const { port } = await started(app);
    const bad = new RawClient(port).write('GET /%61 HTTP/1.1\r\nHost: a/b\r\n\r\n');
    await bad.until(/^HTTP\/1.1 400 /);
    expect(lines.find((line) => line['msg'] === 'asked')).toMatchObject({ path: '/a' });
  });
});

describe('ctx.pattern', () => {
  it('names the endpoint, and is undefined where none matched', async () => {
    const seen: unknown[] = [];
    const app = testApp({ safety: { maxBodySize: 1 } });
    app.use((ctx, next) => {
      seen.push(ctx.pattern);
      return next();
    });
    app.get('/users/<int:id>', () => 'x').post('/upload', () => 'x');
    await app.inject({ path: '/users/7' });
    await app.inject({ path: '/nope' });
    await app.inject({ path: '/users/7', method: 'PUT' });
    await app.inject({ path: '/upload', method: 'POST', body: 'too large' });
    expect(seen).toEqual(['/users/<int:id>', undefined, undefined, '/upload']);
  });
});

describe('a guard on a prefix', () => {
  it.each(Object.entries(GUARDS))('on %s lets nothing through below it', async (_name, look) => {
    const { app, leaked } = guarded(look);
    for (const raw of ['/%61dmin', '/admin/x/../../public', '/admin/..\\..\\z', '/public/../admin'])
      await app.inject({ path: raw }).then((res) => res.text());
    await fc.assert(
      fc.asyncProperty(target, async (raw) => {
        await app.inject({ path: raw }).then((res) => res.text());
        expect(leaked).toEqual([]);
      }),
      { numRuns: 500, examples: [['/%61dmin/x'], ['http://h/%61dmin/'], ['/admin%2f..%2fx']] },
    );
  });
});

describe('any request target', () => {
  it('is refused, or router, ctx.path, ctx.url and the catch-all agree on its segments', async () => {
    const app = testApp();
    app.get('/<**path:rest>', (ctx) => ({
      path: ctx.path,
      pathname: ctx.url.pathname,
      rest: ctx.param('rest'),
      search: ctx.url.search,
    }));
    let served = 0;
    await fc.assert(
      fc.asyncProperty(target, async (raw) => {
        const seen = await ask(app, raw);
        if (typeof seen === 'number') {
          expect(seen).toBe(400);
          return;
        }
        served++;
        const { path = '', pathname, rest = '', search } = seen;
        expect(pathname).toBe(path);
        const segments = path.slice(1).split('/');
        expect(segments).not.toContain('..');
        const texts = segments.map((each) => decodeURIComponent(each).replaceAll('/', '%2F'));
        expect(rest).toBe(texts.join('/'));
        // The form is its own form: what is passed on means the same.
        const again = await ask(app, path + (search ?? ''));
        expect(again).toEqual({ path, pathname, rest, search });
      }),
      { numRuns: 500 },
    );
    expect(served).toBeGreaterThan(50);
  });
});

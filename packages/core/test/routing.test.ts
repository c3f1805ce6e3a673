import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { HttpError, json } from '../src/index.js';
import { RawClient, started, testApp } from './helpers.js';

describe('endpoints', () => {
  it('answers with typed params and the query', async () => {
    const app = testApp();
    app.get('/users/<int:id>', (ctx) => ({ id: ctx.param('id'), page: ctx.query('page') }));
    await supertest(app.handler).get('/users/7?page=2').expect(200, { id: 7, page: '2' });
    await supertest(app.handler).get('/users/x').expect(404);
  });

  it('answers 404 as problem+json with a code', async () => {
    const app = testApp();
    const res = await supertest(app.handler).get('/nope').expect(404);
    expect(res.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(res.text)).toEqual({
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'no endpoint matches this path',
      code: 'HOTARU_ROUTE_NOT_FOUND',
    });
  });

  it('answers 405 with Allow when the path exists for another method', async () => {
    const app = testApp();
    app.get('/a', () => 'x').post('/a', () => 'x');
    const res = await supertest(app.handler).delete('/a').expect(405);
    expect(res.headers['allow']).toBe('GET, HEAD, OPTIONS, POST');
  });

  it('answers OPTIONS with Allow, and OPTIONS * for the whole server', async () => {
    const app = testApp();
    app.endpoint('/a', { methods: ['get', 'PUT'] }, () => 'x');
    const res = await supertest(app.handler).options('/a').expect(204);
    expect(res.headers['allow']).toBe('GET, HEAD, OPTIONS, PUT');
    await supertest(app.handler).options('/b').expect(404);
    const { port } = await started(app);
    const raw = new RawClient(port).write(
      'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(await raw.all()).toMatch(/^HTTP\/1.1 204[^]*allow: DELETE, GET, HEAD/);
  });

  it('lets an endpoint answer OPTIONS and HEAD itself', async () => {
    const app = testApp();
    app.get('/a', () => 'long');
    app.options('/a', () => json({ mine: true }));
    app.head('/a', (ctx) => void ctx.setHeader('x-own', '1').status(200));
    await supertest(app.handler).options('/a').expect(200, { mine: true });
    await supertest(app.handler).head('/a').expect(200).expect('x-own', '1');
  });

  it('serves HEAD by the GET handler, with its headers and without its body', async () => {
    const app = testApp();
    app.get('/a', () => 'hello');
    const { port } = await started(app);
    const raw = new RawClient(port).write(
      'HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    const text = await raw.all();
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(text).toContain('content-length: 5\r\n');
    expect(text).toMatch(/\r\n\r\n$/);
  });

  it('answers every method with any()', async () => {
    const app = testApp();
    app.any('/a', (ctx) => ctx.method);
    await supertest(app.handler).patch('/a').expect(200, 'PATCH');
    await supertest(app.handler).options('/a').expect(200, 'OPTIONS');
  });

  it('answers 400 for malformed percent-encoding in the path', async () => {
    const app = testApp();
    app.get('/<**path:rest>', () => 'x');
    const res = await app.inject({ path: '/a%zz' });
    expect(res.status).toBe(400);
    expect(await res.json()).toMatchObject({ code: 'HOTARU_BAD_PATH' });
  });

  it('routes an absolute-form target by its path', async () => {
    const app = testApp();
    app.get('/a', (ctx) => `${ctx.path} ${ctx.url.href}`).get('/', () => 'root');
    const { port } = await started(app);
    const ask = (target: string) =>
      new RawClient(port)
        .write(`GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
        .all();
    expect(await ask('http://example.com:80/a?b')).toMatch(/\/a http:\/\/example.com\/a\?b$/);
    expect(await ask('http://example.com')).toMatch(/root$/);
    expect(await ask('ftp://example.com/a')).toMatch(/^HTTP\/1.1 400/);
  });

  it('keeps a target of two slashes on this host', async () => {
    const app = testApp();
    app.get('/<**path>', (ctx) => ctx.url.host);
    const res = await app.inject({ path: '//evil.example/x' });
    expect(await res.text()).toBe('localhost');
  });

  it('cannot be polluted through names of params and queries', async () => {
    const app = testApp();
    app.get('/<__proto__>', (ctx) => ({
      param: ctx.param('__proto__'),
      query: Object.entries(ctx.query()),
      isBare: Object.getPrototypeOf(ctx.query()) === null,
      missing: ctx.query('constructor') ?? null,
      header: ctx.header('constructor') ?? null,
    }));
    const res = await app.inject({ path: '/x?__proto__=y&__proto__=z&a=1&a=2' });
    expect(await res.json()).toEqual({
      param: 'x',
      query: [
        ['__proto__', ['y', 'z']],
        ['a', ['1', '2']],
      ],
      isBare: true,
      missing: null,
      header: null,
    });
    expect(({} as Record<string, unknown>)['y']).toBeUndefined();
  });

  it('reads a query as forms are written', async () => {
    const app = testApp();
    app.get('/', (ctx) => ctx.query());
    const res = await app.inject({ path: '/?a=b=c&d+e=%20f&g&=h&bad=%zz&&u=%C3%BC' });
    expect(await res.json()).toEqual({ a: 'b=c', 'd e': ' f', g: '', '': 'h', bad: '%zz', u: 'ü' });
  });

  it('refuses a second endpoint for a pattern and method, naming both', () => {
    const app = testApp();
    app.get('/users/<id>', () => 'x');
    expect(() => app.get('/users/<name>', () => 'y')).toThrow(
      'GET /users/<name> is registered already, as GET /users/<id>',
    );
  });

  it('refuses unknown options and bad values, naming key, value and what is allowed', () => {
    const app = testApp();
    const bad = (options: object) => () => app.endpoint('/x', options, () => 'x');
    expect(bad({ schema: 1 })).toThrow(
      'endpoint.schema (1) is not an option; allowed: methods, middleware, safety',
    );
    expect(bad({ methods: ['FETCH'] })).toThrow(
      'endpoint.methods is "FETCH"; allowed: a list of HTTP',
    );
    expect(bad({ methods: [] })).toThrow('at least one method');
    expect(bad({ middleware: [5] })).toThrow('endpoint.middleware[0] is 5; allowed: a function');
    expect(bad({ middleware: ['..', '..'] })).toThrow("'..' at most once");
    expect(bad({ safety: { maxBody: 1 } })).toThrow(
      'safety.maxBody (1) is not an option; allowed: max',
    );
    expect(bad({ safety: { maxBodySize: '1' } })).toThrow(
      'safety.maxBodySize is "1"; allowed: a whole',
    );
    expect(bad({ safety: { headersTimeout: 5 } })).toThrow('only the app can set it');
    expect(bad({ safety: { maxHeaderSize: 1e9 } })).toThrow("up to the app's 65536");
    expect(bad({ safety: { maxHeaders: 1e9 } })).toThrow("up to the app's 100");
    // @ts-expect-error the handler is missing
    expect(() => app.get('/x', {})).toThrow('the handler of /x is undefined; allowed: a function');
    // @ts-expect-error it is no function
    expect(() => app.use('x')).toThrow('is "x"; allowed: a function');
  });
});

describe('middleware', () => {
  const mark = (name: string) => (ctx: { locals: import('../src/index.js').LocalStore }) => {
    const trail = ctx.locals.get<string[]>('trail') ?? [];
    ctx.locals.set('trail', [...trail, name]);
  };
  const pass =
    (name: string): import('../src/index.js').Middleware =>
    (ctx, next) => {
      mark(name)(ctx);
      return next();
    };
  const trail = (ctx: import('../src/index.js').HttpContext) =>
    ctx.locals.get<string[]>('trail') ?? [];

  it.each([
    ['omitted', undefined, ['app1', 'app2']],
    ["['..', a]", ['..', pass('a')], ['app1', 'app2', 'a']],
    ["[a, '..']", [pass('a'), '..'], ['a', 'app1', 'app2']],
    ["[a, '..', b]", [pass('a'), '..', pass('b')], ['a', 'app1', 'app2', 'b']],
    ['[a]', [pass('a')], ['a']],
    ["['..']", ['..'], ['app1', 'app2']],
    ['[]', [], []],
  ] as const)('%s runs what it says', async (_name, middleware, expected) => {
    const app = testApp();
    app.use(pass('app1'));
    app.endpoint('/', { middleware }, trail as never);
    app.use(pass('app2')); // also for endpoints registered before
    await supertest(app.handler)
      .get('/')
      .expect(200, [...expected]);
  });

  it('reaches endpoints that have been asked already', async () => {
    const app = testApp();
    app.get('/', trail);
    await supertest(app.handler).get('/').expect(200, []);
    app.use(pass('late'));
    await supertest(app.handler).get('/').expect(200, ['late']);
  });

  it('wraps like an onion and may change the response', async () => {
    const app = testApp();
    app.use(async (ctx, next) => {
      const response = await next();
      expect(response.status).toBe(201);
      ctx.setHeader('x-outer', '1');
      response.setHeader('x-inner', '2');
      response.status = 202;
    });
    app.get('/', (ctx) => {
      ctx.status(201);
      return 'made';
    });
    await supertest(app.handler)
      .get('/')
      .expect(202, 'made')
      .expect('x-outer', '1')
      .expect('x-inner', '2');
  });

  it('answers by itself when it does not call next()', async () => {
    const app = testApp();
    app.use(() => 'mine');
    app.get('/', () => 'never');
    await supertest(app.handler).get('/').expect(200, 'mine');
  });

  it('waits for next() also when the middleware does not', async () => {
    const app = testApp();
    app.use((_ctx, next) => void next());
    app.get('/', async () => {
      await new Promise(setImmediate);
      throw new HttpError(418);
    });
    await supertest(app.handler).get('/').expect(418);
  });

  it('may answer without waiting for next(): what becomes of it ends no process', async () => {
    const app = testApp();
    app.use((_ctx, next) => {
      void next();
      return 'mine';
    });
    app.get('/', async () => {
      await Promise.resolve();
      throw new Error('after the answer');
    });
    await supertest(app.handler).get('/').expect(200, 'mine');
  });

  it('can replace an error, and sees every error', async () => {
    const app = testApp();
    app.use(async (_ctx, next) => {
      try {
        return await next();
      } catch (error) {
        return json({ caught: (error as Error).message }, 409);
      }
    });
    app.get('/sync', () => {
      throw new Error('sync');
    });
    app.get('/async', async () => {
      throw new Error('async');
    });
    await supertest(app.handler).get('/sync').expect(409, { caught: 'sync' });
    await supertest(app.handler).get('/async').expect(409, { caught: 'async' });
  });

  it('says who called next() twice', async () => {
    const app = testApp({ mode: 'development' });
    app.use(async function twice(_ctx, next) {
      await next();
      return next();
    });
    app.get('/', () => 'x');
    const res = await app.inject({ path: '/' });
    expect(res.status).toBe(500);
    expect(await res.json()).toMatchObject({
      code: 'HOTARU_NEXT_CALLED_TWICE',
      detail: expect.stringContaining('the middleware twice called next() twice') as string,
    });
  });

  it('of the app sees 404, 405, OPTIONS and refused bodies', async () => {
    const seen: string[] = [];
    const app = testApp({ safety: { maxBodySize: 1 } });
    app.use(async (ctx, next) => {
      try {
        const response = await next();
        seen.push(`${ctx.method} ${ctx.path} ${response.status}`);
      } catch (error) {
        seen.push(`${ctx.method} ${ctx.path} ${(error as HttpError).status}`);
        throw error;
      }
    });
    app.post('/a', () => 'x');
    await supertest(app.handler).get('/b').expect(404);
    await supertest(app.handler).get('/a').expect(405);
    await supertest(app.handler).options('/a').expect(204);
    await app.inject({ method: 'POST', path: '/a', body: 'too long' });
    expect(seen).toEqual(['GET /b 404', 'GET /a 405', 'OPTIONS /a 204', 'POST /a 413']);
  });
});

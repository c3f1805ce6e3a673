/** Every response body that does not go out is cancelled, exactly once: a descriptor may hang on it. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { file, status, stream, type Middleware, type StreamSource } from '../src/index.js';
import { deferred, RawClient, started, testApp } from './helpers.js';

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

interface Source {
  readonly body: StreamSource;
  cancelled: number;
}

/** Bodies without an end, which count how often they are cancelled. */
const KINDS = {
  'a Node stream'(): Source {
    const source: { cancelled: number; body: Readable } = {
      cancelled: 0,
      body: new Readable({
        read() {
          setImmediate(() => this.push('x'));
        },
        destroy(error, done) {
          source.cancelled++;
          done(error);
        },
      }),
    };
    return source;
  },
  'a web stream'(): Source {
    const source: Source = {
      cancelled: 0,
      body: new ReadableStream<string>({
        pull: async (controller) => {
          await new Promise(setImmediate);
          controller.enqueue('x');
        },
        cancel: () => {
          source.cancelled++;
        },
      }),
    };
    return source;
  },
  'an async iterable'(): Source {
    const source: Source = {
      cancelled: 0,
      body: {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            await new Promise(setImmediate);
            return { done: false, value: 'x' };
          },
          return: () => {
            source.cancelled++;
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      },
    };
    return source;
  },
};

async function settled(source: Source): Promise<void> {
  while (source.cancelled === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate); // and not a second time
}

const REPLACED: Record<string, Middleware> = {
  'a 304 takes its place': async (_ctx, next) => {
    await next();
    return status(304);
  },
  'another response takes its place': async (_ctx, next) => {
    await next();
    return 'other';
  },
  'another body takes its place in the same response': async (_ctx, next) => {
    const response = await next();
    response.body = 'other';
    return response;
  },
  'a middleware throws after next()': async (_ctx, next) => {
    await next();
    throw new Error('after next');
  },
  'its status is 204': async (_ctx, next) => {
    const response = await next();
    response.status = 204;
    return response;
  },
};

describe.each(Object.entries(KINDS))('%s that is not sent is cancelled once', (_kind, make) => {
  it.each(Object.entries(REPLACED))('when %s', async (_what, middleware) => {
    const source = make();
    const app = testApp();
    app.use(async (_ctx, next) => next(), middleware);
    app.get('/', () => stream(source.body));
    await (await app.inject({ path: '/' })).bytes();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when the request is HEAD', async () => {
    const source = make();
    const app = testApp();
    app.get('/', () => stream(source.body));
    await app.inject({ method: 'HEAD', path: '/' });
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when a middleware has answered, and did not wait for next()', async () => {
    const source = make();
    const answered = deferred();
    const app = testApp();
    app.use((_ctx, next) => {
      void next();
      return 'early';
    });
    app.get('/', async () => {
      await answered.promise;
      return stream(source.body);
    });
    expect(await (await app.inject({ path: '/' })).text()).toBe('early');
    answered.resolve();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when the deadline has answered', async () => {
    const source = make();
    const answered = deferred();
    const app = testApp({ safety: { requestTimeout: 20 } });
    app.get('/', async () => {
      await answered.promise;
      return stream(source.body);
    });
    expect((await app.inject({ path: '/' })).status).toBe(504);
    answered.resolve();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when the client has left before it was there', async () => {
    const source = make();
    const reached = deferred();
    const app = testApp();
    app.get('/', async (ctx) => {
      const left = once(ctx.signal, 'abort');
      reached.resolve();
      await left;
      return stream(source.body);
    });
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await reached.promise;
    raw.socket.destroy();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when the client leaves in the middle of it', async () => {
    const source = make();
    const app = testApp();
    app.get('/', () => stream(source.body));
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await raw.until(/\r\n\r\n[^]*x/);
    raw.socket.destroy();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });

  it('when the helper refuses what it is given with it', async () => {
    const source = make();
    const app = testApp();
    app.get('/', () => stream(source.body, { headers: { 'x-a': 'b\r\nc' } }));
    expect((await app.inject({ path: '/' })).status).toBe(500);
    await settled(source);
    expect(source.cancelled).toBe(1);
  });
});

describe('a body that a middleware reads', () => {
  it('is sent whole: it is not cancelled when it is wrapped', async () => {
    const app = testApp();
    app.use(async (_ctx, next) => {
      const { body } = await next();
      return stream(
        (async function* () {
          for await (const chunk of body as AsyncIterable<string>) yield `${chunk}!`;
        })(),
      );
    });
    app.get('/', () => Readable.from(['a', 'b', 'c']));
    expect(await (await app.inject({ path: '/' })).text()).toBe('a!b!c!');
  });

  it('is cancelled when the client leaves what was made of it', async () => {
    const source = KINDS['a Node stream']();
    const app = testApp();
    app.use(async (_ctx, next) => {
      const { body } = await next();
      const gzip = createGzip({ flush: 2 });
      return stream((body as Readable).pipe(gzip));
    });
    app.get('/', () => stream(source.body));
    const { port } = await started(app);
    const raw = new RawClient(port).write(GET);
    await raw.until(/\r\n\r\n/);
    raw.socket.destroy();
    await settled(source);
    expect(source.cancelled).toBe(1);
  });
});

describe('a Node stream that fails before it is sent', () => {
  it('is a 500, and no uncaught exception', async () => {
    const app = testApp();
    app.use(async (_ctx, next) => {
      const response = await next();
      await new Promise((resolve) => setTimeout(resolve, 20));
      return response;
    });
    app.get('/', () => {
      const body = new Readable({ read: () => undefined });
      setImmediate(() => body.destroy(new Error('no such thing')));
      return body;
    });
    expect((await app.inject({ path: '/' })).status).toBe(500);
  });
});

describe('file()', () => {
  it('closes the file when the headers that go with it are refused', async () => {
    const lowestFree = async (): Promise<number> => {
      const handle = await open(import.meta.filename);
      const { fd } = handle;
      await handle.close();
      return fd;
    };
    const before = await lowestFree();
    const headers = { 'x-a': 'b\r\nc' };
    for (let i = 0; i < 3; i++)
      await expect(
        file('unsent-bodies.test.ts', { root: import.meta.dirname, headers }),
      ).rejects.toMatchObject({ code: 'HOTARU_INVALID_HEADER' });
    expect(await lowestFree(), 'no descriptor was left open').toBe(before);
  });
});

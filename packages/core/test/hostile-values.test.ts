/**
 * What a handler throws or returns may throw itself when it is looked at: a proxy, a getter, an iterator written by
 * hand. The request is answered, and the process goes on (vitest fails for every uncaught exception).
 */
import { describe, expect, it } from 'vitest';
import { stream, type HttpContext } from '../src/index.js';
import { memoryLogger, RawClient, started, testApp } from './helpers.js';

function trap(): never {
  throw new Error('looked at');
}

const withGetter = (name: string): Error =>
  Object.defineProperty(new Error('x'), name, { get: trap });

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const THROWN: [string, unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['text', 'text'],
  ['a symbol', Symbol('s')],
  ['a frozen error', Object.freeze(new Error('frozen'))],
  ['an object without a prototype', Object.create(null)],
  ['a proxy with traps', new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap })],
  ['a revoked proxy', revoked()],
  ...['message', 'name', 'code', 'cause', 'stack'].map((name): [string, unknown] => [
    `an error whose ${name} throws`,
    withGetter(name),
  ]),
];

describe.each(['production', 'development'] as const)('what is thrown in %s', (mode) => {
  it.each(THROWN)('%s is a 500, and has a line in the log', async (_name, thrown) => {
    const { log, lines } = memoryLogger();
    const app = testApp({ mode, logger: log });
    app.get('/sync', () => {
      throw thrown;
    });
    app.get('/async', async () => {
      await Promise.resolve();
      throw thrown;
    });
    const failing = async function* (): AsyncGenerator<string> {
      await Promise.resolve();
      throw thrown;
    };
    app.get('/stream', () => stream(failing()));
    app.get('/work', (ctx: HttpContext) => {
      ctx.waitUntil(Promise.reject(thrown));
      return 'done';
    });
    for (const path of ['/sync', '/async', '/stream'])
      expect((await app.inject({ path })).status, path).toBe(500);
    expect((await app.inject({ path: '/work' })).status).toBe(200);
    await app.stop();
    expect(lines.filter(({ level }) => level === 50).map(({ path }) => path)).toEqual([
      '/sync',
      '/async',
      '/stream',
      '/work',
    ]);
  });
});

describe('an iterator written by hand', () => {
  it.each<[string, () => unknown]>([
    ['throws', trap],
    ['gives no promise', () => ({ done: true, value: undefined })],
    ['gives a promise that never settles', () => new Promise(() => undefined)],
  ])('may have a return() that %s when the client leaves', async (_name, end) => {
    let returned = 0;
    const endless = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 'x'.repeat(65_536) }),
        return: () => {
          returned++;
          return end() as Promise<IteratorResult<string>>;
        },
      }),
    };
    const app = testApp();
    app.get('/', () => stream(endless as AsyncIterable<string>));
    app.get('/next', () => 'next');
    const { port } = await started(app);
    const raw = new RawClient(port).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await raw.until(/x{100}/);
    raw.socket.destroy();
    while (returned === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await (await app.inject({ path: '/next' })).text()).toBe('next');
    expect(returned).toBe(1);
  });
});

describe('a thenable written by hand', () => {
  it.each<[string, () => void]>([
    ['calls back twice', () => undefined],
    ['throws after it has called back', trap],
  ])('that %s is answered once, and not before its stream has ended', async (_name, then) => {
    let hasEnded = false;
    const { log, lines } = memoryLogger();
    const app = testApp({ mode: 'production', accessLog: true, logger: log });
    async function* pieces(): AsyncGenerator<string> {
      yield 'a';
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield 'b';
      hasEnded = true;
    }
    app.get('/', () => ({
      then(resolve: (value: unknown) => void) {
        resolve(stream(pieces()));
        resolve('again');
        then();
      },
    }));
    const res = await app.inject({ path: '/' });
    expect(lines, 'it is not over').toEqual([]);
    expect(await res.text()).toBe('ab');
    expect(hasEnded).toBe(true);
    expect(lines).toMatchObject([{ msg: 'request', outcome: 'sent', bytes: 2 }]);
  });
});

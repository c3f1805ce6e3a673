/**
 * `requestTimeout` is the time until the response begins. What began in time is not cut by it.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getRequest, stream } from '../../src/index.js';
import { deferred, testApp } from '../helpers.js';

const LIMIT_MS = 400;
/** Well after the limit: what it cuts is cut by then. */
const LATER_MS = 900;
const safety = { requestTimeout: LIMIT_MS };

/** An upstream that sends its head at once and its body in two parts, `LATER_MS` apart. */
async function slowUpstream(): Promise<string> {
  const server = createServer((_request, response) => {
    response.write('one ');
    setTimeout(() => response.end('two'), LATER_MS);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('requestTimeout', () => {
  it('does not cut a stream whose head went out in time', async () => {
    const app = testApp({ safety });
    let deadline = 0;
    app.get('/', (ctx) =>
      stream(
        (async function* () {
          yield 'one ';
          await sleep(LATER_MS);
          deadline = ctx.deadline;
          yield ctx.signal.aborted ? 'aborted' : 'two';
        })(),
      ),
    );
    expect(await (await app.inject({})).text()).toBe('one two');
    expect(deadline).toBe(Infinity);
  });

  it('does not abort a signal that was taken before', async () => {
    const app = testApp({ safety });
    app.get('/', (ctx) => {
      const { signal } = ctx;
      return stream(
        (async function* () {
          yield 'one ';
          await sleep(LATER_MS);
          yield signal.aborted ? 'aborted' : 'two';
        })(),
      );
    });
    expect(await (await app.inject({})).text()).toBe('one two');
  });

  it('does not cut the upstream of a response that began in time', async () => {
    const app = testApp({ safety, pool: {} });
    const upstream = await slowUpstream();
    app.get('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream, getRequest('/'));
      return stream(res.body, { headers: res.headers });
    });
    await app.pool.warm(upstream, 1); // a first dial may take longer than the request has
    expect(await (await app.inject({})).text()).toBe('one two');
  });

  it('does not bound calls that a stream makes later', async () => {
    const app = testApp({ safety, pool: {} });
    const upstream = await slowUpstream();
    app.get('/', (ctx) =>
      stream(
        (async function* () {
          yield 'zero ';
          await sleep(LATER_MS);
          yield await (await ctx.sendRequest(upstream, getRequest('/'))).text();
        })(),
      ),
    );
    expect(await (await app.inject({})).text()).toBe('zero one two');
  });

  it('leaves the timeouts of the calls themselves as they are', async () => {
    const failed = deferred<unknown>();
    const app = testApp({ safety, pool: {} });
    const upstream = await slowUpstream();
    app.get('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream, getRequest('/'), { timeout: 600 });
      return stream(
        (async function* () {
          try {
            yield* res.body;
          } catch (error) {
            failed.resolve(error);
            throw error;
          }
        })(),
      );
    });
    await app.pool.warm(upstream, 1);
    await expect((await app.inject({})).text()).rejects.toThrow();
    expect(await failed.promise).toMatchObject({
      code: 'HOTARU_DEADLINE_EXCEEDED',
      message: expect.stringContaining('not done within 600 ms'),
    });
  });

  it('is a 504 when nothing has begun, whatever the upstream has', async () => {
    const app = testApp({ safety, pool: {} });
    const upstream = await slowUpstream();
    app.get('/', async (ctx) => (await ctx.sendRequest(upstream, getRequest('/'))).text());
    expect((await app.inject({})).status).toBe(504);
  });
});

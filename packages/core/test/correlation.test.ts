/** Request ids and traces: in the response, in log lines, and upstream. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getRequest, json, stream, type AppOptions } from '../src/index.js';
import { memoryLogger, testApp } from './helpers.js';

/** An app that calls an upstream which notes the headers it gets. */
async function callingApp(options: AppOptions = {}) {
  const sent: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    sent.push(req.headers);
    res.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const app = testApp({ pool: {}, ...options });
  app.get('/call', async (ctx) => {
    await (await ctx.sendRequest(upstream)).text();
    return ctx.requestId;
  });
  app.get('/own', async (ctx) => {
    const headers = { 'X-Request-Id': 'own', Traceparent: 'own', TraceState: 'own' };
    await (await ctx.sendRequest(upstream, getRequest('/', { headers }))).text();
  });
  app.get('/hello', () => 'hello');
  app.get('/id', (ctx) => ctx.requestId);
  return { app, sent };
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('a request id', () => {
  it.each(['abc-123', 'a'.repeat(128), 'Root=1-67891233-abcdef012345678912345678', 'a/b+c=@~.:_-'])(
    'that is well-formed is kept: %s',
    async (id) => {
      const { app, sent } = await callingApp();
      const res = await app.inject({ path: '/call', headers: { 'X-Request-ID': id } });
      expect(await res.text()).toBe(id);
      expect(res.headers['x-request-id']).toBe(id);
      expect(sent[0]?.['x-request-id']).toBe(id);
    },
  );

  it.each(['', 'a b', 'a'.repeat(129), 'a"b', 'a;b', '<script>', 'é', 'a,b'])(
    'that is not is replaced: %j',
    async (id) => {
      const { app, sent } = await callingApp();
      const res = await app.inject({ path: '/call', headers: { 'x-request-id': id } });
      const made = await res.text();
      expect(made).toMatch(/^[\w-]{14,40}$/);
      expect(res.headers['x-request-id']).toBe(made);
      expect(sent[0]?.['x-request-id']).toBe(made);
    },
  );

  it('given twice is replaced', async () => {
    const { app } = await callingApp();
    const res = await app.inject({ path: '/id', headers: { 'x-request-id': ['a', 'b'] } });
    expect(await res.text()).toMatch(/^[\w-]{14,40}$/);
  });

  it('is made for each request, and differs', async () => {
    const { app } = await callingApp();
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await app.inject({ path: '/id' })).text()),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('is in the log lines of its request', async () => {
    const { log, lines } = memoryLogger();
    const app = testApp({ logger: log, accessLog: true });
    app.get('/', (ctx) => {
      ctx.log.info('mine');
      return 'x';
    });
    const res = await app.inject({ path: '/', headers: { 'x-request-id': 'r7' } });
    expect(res.headers['x-request-id']).toBe('r7');
    expect(lines).toMatchObject([
      { msg: 'mine', requestId: 'r7' },
      { msg: 'request', requestId: 'r7' },
    ]);
  });

  it('is not said when nothing can be found by it, unless the client gave it', async () => {
    const { app } = await callingApp();
    expect((await app.inject({ path: '/hello' })).headers).not.toHaveProperty('x-request-id');
    const res = await app.inject({ path: '/hello', headers: { 'x-request-id': 'mine' } });
    expect(res.headers['x-request-id']).toBe('mine');
  });

  it('is said in refusals, errors and streams, and one that the handler sets wins', async () => {
    const { log } = memoryLogger();
    const app = testApp({ logger: log, accessLog: true });
    app.get('/fails', () => {
      throw new Error('no');
    });
    app.get('/stream', () => stream(new Blob(['x']).stream()));
    app.get('/drafted', (ctx) => {
      ctx.setHeader('X-Request-Id', 'drafted');
      return 'x';
    });
    app.get('/answered', () => json({}, { headers: { 'x-request-id': 'answered' } }));
    const ids = async (path: string) =>
      (await app.inject({ path, headers: { 'x-request-id': 'r7' } })).headers['x-request-id'];
    expect(await ids('/nowhere')).toBe('r7');
    expect(await ids('/fails')).toBe('r7');
    expect(await ids('/stream')).toBe('r7');
    expect(await ids('/drafted')).toBe('drafted');
    expect(await ids('/answered')).toBe('answered');
  });

  it('of the caller’s own wins, and so does its trace', async () => {
    const { app, sent } = await callingApp();
    await app.inject({ path: '/own', headers: { 'x-request-id': 'r7' } });
    expect(sent).toMatchObject([{ 'x-request-id': 'own', traceparent: 'own', tracestate: 'own' }]);
  });

  it('is turned off, whole or in part', async () => {
    const headers = { 'x-request-id': 'theirs' };
    const none = await callingApp({ requestId: false, traceparent: false });
    const res = await none.app.inject({ path: '/call', headers });
    expect(await res.text()).not.toBe('theirs');
    expect(res.headers).not.toHaveProperty('x-request-id');
    expect(none.sent[0]).not.toHaveProperty('x-request-id');
    expect(none.sent[0]).not.toHaveProperty('traceparent');

    const untrusting = await callingApp({ requestId: { accept: false } });
    const made = await untrusting.app.inject({ path: '/call', headers });
    expect(made.headers['x-request-id']).toBe(await made.text());
    expect(made.headers['x-request-id']).not.toBe('theirs');
    expect(untrusting.sent[0]?.['x-request-id']).toBe(made.headers['x-request-id']);

    const discreet = await callingApp({ requestId: { respond: false, send: false } });
    const quiet = await discreet.app.inject({ path: '/call', headers });
    expect(await quiet.text()).toBe('theirs');
    expect(quiet.headers).not.toHaveProperty('x-request-id');
    expect(discreet.sent[0]).not.toHaveProperty('x-request-id');
    expect(discreet.sent[0]).toHaveProperty('traceparent');
  });

  it('has options that are checked', () => {
    for (const [options, message] of [
      [{ requestId: 'yes' }, 'app.requestId is "yes"; allowed: an object of accept, respond, send'],
      [{ requestId: { trust: true } }, 'app.requestId.trust (true) is not an option'],
      [{ requestId: { send: 1 } }, 'app.requestId.send is 1; allowed: true or false'],
      [{ traceparent: null }, 'app.traceparent is null; allowed: true or false'],
      [{ accessLog: 'no' }, 'app.accessLog is "no"; allowed: true or false'],
    ] as const)
      expect(() => testApp(options as unknown as AppOptions)).toThrow(message);
  });
});

describe('a trace', () => {
  const span = /^00-([\da-f]{32})-([\da-f]{16})-(\d\d)$/;

  it('goes on: the same trace and sampling, a new span for each call, the state as it is', async () => {
    const { app, sent } = await callingApp();
    const headers = {
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
      tracestate: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
    };
    await app.inject({ path: '/call', headers });
    await app.inject({ path: '/call', headers });
    const [first, second] = sent.map((one) => span.exec(String(one['traceparent'])));
    expect(first?.[1]).toBe(TRACE);
    expect(first?.[3]).toBe('01');
    expect(first?.[2]).not.toBe('b7ad6b7169203331');
    expect(second?.[2]).not.toBe(first?.[2]);
    expect(sent[0]?.['tracestate']).toBe(headers.tracestate);
  });

  it.each([
    [`cc-${TRACE}-b7ad6b7169203331-03-what-comes-later`, '01'],
    [`00-${TRACE}-b7ad6b7169203331-02`, '00'],
  ])('of %s goes on, with the flags that are known', async (traceparent, flags) => {
    const { app, sent } = await callingApp();
    await app.inject({ path: '/call', headers: { traceparent } });
    const [, traceId, , sentFlags] = span.exec(String(sent[0]?.['traceparent'])) ?? [];
    expect([traceId, sentFlags]).toEqual([TRACE, flags]);
  });

  it.each([
    undefined,
    'nonsense',
    `ff-${TRACE}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${TRACE}-b7ad6b7169203331-01-more`,
    `00-${TRACE}-b7ad6b7169203331`,
  ])('of %s begins anew, not sampled, without the state', async (traceparent) => {
    const { app, sent } = await callingApp();
    const headers = { tracestate: 'a=b', ...(traceparent !== undefined && { traceparent }) };
    await app.inject({ path: '/call', headers });
    const [, traceId, , flags] = span.exec(String(sent[0]?.['traceparent'])) ?? [];
    expect(traceId).toMatch(/[1-9a-f]/);
    expect(traceId).not.toBe(TRACE);
    expect(flags).toBe('00');
    expect(sent[0]).not.toHaveProperty('tracestate');
  });
});

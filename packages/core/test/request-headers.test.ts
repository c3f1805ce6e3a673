/** `ctx.headers` as a handler uses it, and that it reads fields that come more than once as node:http does. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { RequestHeaders } from '../src/http/request/headers-view.js';
import { RawClient, testApp } from './helpers.js';

it('says of repeated fields what node:http says of them', async () => {
  let theirs: IncomingHttpHeaders = {};
  let ours: Record<string, string> = {};
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    theirs = request.headers;
    ours = new RequestHeaders({ fields: request.rawHeaders }).toObject();
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const names =
    'accept accept-encoding age authorization cache-control cookie content-type date dnt etag expires ' +
    'forwarded from host if-match if-modified-since if-none-match if-unmodified-since last-modified link location ' +
    'max-forwards origin pragma proxy-authorization range referer retry-after server te trailer traceparent ' +
    'tracestate user-agent vary via warning www-authenticate x-forwarded-for x-forwarded-host x-request-id';
  const lines = names.split(' ').flatMap((name) => [`${name}: one\r\n`, `${name}: two\r\n`]);
  const client = new RawClient((server.address() as AddressInfo).port);
  client.write(`GET / HTTP/1.1\r\n${lines.join('')}Connection: close\r\n\r\n`);
  await client.all();
  expect(Object.keys(ours).length).toBe(names.split(' ').length + 1);
  expect(ours).toEqual({ ...theirs });
});

it('are what docs/framework.md says of them', async () => {
  const app = testApp();
  app.get('/seen', (ctx) => ({
    language: ctx.headers.get('accept-language') ?? 'en',
    proxies: ctx.headers.getAll('x-forwarded-for'),
    isTraced: ctx.headers.has('traceparent'),
    names: [...ctx.headers].map(([name]) => name),
  }));
  const headers = { host: 'localhost:3003', 'X-Forwarded-For': ['1.1.1.1', '2.2.2.2'] };
  expect(await (await app.inject({ path: '/seen', headers })).json()).toEqual({
    language: 'en',
    proxies: ['1.1.1.1', '2.2.2.2'],
    isTraced: false,
    names: ['host', 'x-forwarded-for', 'x-forwarded-for'],
  });
});

it('are one view, which is sent back as JSON and has nothing that the client has not sent', async () => {
  const app = testApp();
  app.get('/json', (ctx) => ctx.headers);
  app.get('/looked-up', (ctx) => ({
    isSame: ctx.headers === ctx.headers,
    inherited: ctx.headers.get('constructor') ?? null,
    viaMethod: ctx.header('X-A') ?? null,
    all: ctx.headers.getAll('x-a'),
  }));
  const headers = { host: 'a.example', 'X-A': ['1', '2'] };
  expect(await (await app.inject({ path: '/json', headers })).json()).toMatchObject({
    host: 'a.example',
    'x-a': '1, 2',
  });
  expect(await (await app.inject({ path: '/looked-up', headers })).json()).toEqual({
    isSame: true,
    inherited: null,
    viaMethod: '1, 2',
    all: ['1', '2'],
  });
});

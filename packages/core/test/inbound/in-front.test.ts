/** `app.handler` behind another server's handler, which may have changed the request or begun the response. */
import { once } from 'node:events';
import { createServer, ServerResponse, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { text, type App } from '../../src/index.js';
import { RawClient, started, testApp } from '../helpers.js';

type InFront = (request: IncomingMessage, response: ServerResponse) => void;

/** What a client gets to one request. */
async function answerTo(app: App, inFront: InFront, fields = ''): Promise<string> {
  const server = createServer((request, response) => {
    inFront(request, response);
    app.handler(request, response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const client = new RawClient((server.address() as AddressInfo).port);
  client.write(`GET / HTTP/1.1\r\nHost: x\r\n${fields}Connection: close\r\n\r\n`);
  return client.all();
}

describe('a response on which a handler in front has set a header', () => {
  it('has that one, and each line of ours: no cookie is lost', async () => {
    const app = testApp();
    app.get('/', (ctx) => {
      ctx.cookies.set('a', '1');
      ctx.cookies.set('b', '2');
      return text('', { headers: { 'x-list': ['1', '2'] } });
    });
    const answer = await answerTo(app, (_, response) => response.setHeader('x-front', 'yes'));
    expect(answer).toMatch(/^x-front: yes\r$/m);
    expect(answer.match(/^set-cookie: .=\d/gm)).toEqual(['set-cookie: a=1', 'set-cookie: b=2']);
    expect(answer.match(/^x-list: \d/gm)).toEqual(['x-list: 1', 'x-list: 2']);
    expect(answer.match(/^content-length: /gm)).toHaveLength(1);
  });

  it('has them as well when it is a stream', async () => {
    const app = testApp();
    app.get('/', (ctx) => {
      ctx.cookies.set('a', '1');
      ctx.cookies.set('b', '2');
      return (async function* () {
        await Promise.resolve();
        yield 'x';
      })();
    });
    const answer = await answerTo(app, (_, response) => response.setHeader('x-front', 'yes'));
    expect(answer.match(/^set-cookie: .=\d/gm)).toEqual(['set-cookie: a=1', 'set-cookie: b=2']);
  });
});

describe('a request whose headers a handler in front has changed', () => {
  const seen = (app: App): void =>
    void app.get('/', (ctx) => ({
      user: ctx.header('x-user') ?? null,
      all: ctx.headers.getAll('x-user'),
      kept: ctx.headers.getAll('x-kept'),
      size: ctx.headers.size,
    }));
  const json = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));

  it('has what was set there, in place of what the client has sent', async () => {
    const app = testApp();
    seen(app);
    const answer = await answerTo(
      app,
      ({ headers }) => (headers['x-user'] = 'bob'),
      'X-Kept: 1\r\nX-User: root\r\nX-Kept: 2\r\nX-User: root\r\n',
    );
    expect(json(answer)).toEqual({ user: 'bob', all: ['bob'], kept: ['1', '2'], size: 5 });
  });

  it('has not what was removed there: a client that claims to be someone is not believed', async () => {
    const app = testApp();
    seen(app);
    const remove: InFront = ({ headers }) => delete headers['x-user'];
    const answer = await answerTo(app, remove, 'X-User: root\r\n');
    expect(json(answer)).toEqual({ user: null, all: [], kept: [], size: 2 });
  });

  it('has what was added there, one line for each value of a list', async () => {
    const app = testApp();
    seen(app);
    const add: InFront = ({ headers }) => (headers['x-user'] = ['bob', 'eve']);
    expect(json(await answerTo(app, add))).toMatchObject({ user: 'bob, eve', all: ['bob', 'eve'] });
  });

  it('is as it came when nothing was changed, names that objects inherit included', async () => {
    const app = testApp();
    app.get('/', (ctx) => [...ctx.headers]);
    const look: InFront = ({ headers }) => expect(headers.host).toBe('x');
    const sent =
      'X-A: 1\r\nconstructor: c\r\nSet-Cookie: a\r\nCookie: a=1\r\nx-a: 2\r\nCookie: b=2\r\n';
    expect(json(await answerTo(app, look, sent))).toEqual([
      ['host', 'x'],
      ['x-a', '1'],
      ['constructor', 'c'],
      ['set-cookie', 'a'],
      ['cookie', 'a=1'],
      ['x-a', '2'],
      ['cookie', 'b=2'],
      ['connection', 'close'],
    ]);
  });
});

it('a request for another protocol that its listener hands to the app as any other is answered', async () => {
  const app = testApp();
  app.get('/', () => 'no such protocol here');
  app.server.on('upgrade', (request, socket) => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(request.socket);
    response.once('finish', () => socket.end());
    app.handler(request, response);
  });
  const { port } = await started(app);
  const client = new RawClient(port);
  client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  await client.until(/200 OK[^]*no such protocol here$/);
});

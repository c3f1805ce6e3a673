/**
 * What every implementation of the inbound seam (src/inbound/inbound.ts) has to do, on real sockets: called by a test
 * file for each of them.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpError } from '../../src/index.js';
import { HttpSafety, type HttpSafetyOptions } from '../../src/http/request/safety.js';
import type {
  BodySink,
  Gone,
  Inbound,
  InboundEvents,
  InboundHost,
  InboundServer,
  Stalled,
} from '../../src/inbound/inbound.js';
import { deafClient, RawClient } from '../helpers.js';

export type MakeServer = (host: InboundHost, safety: HttpSafety) => InboundServer;

/** More than the buffers of a loopback connection hold. */
const MUCH = 16 * 1_048_576;
const OK = ['content-length', '2'];
const get = (path = '/', rest = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${rest}\r\n`;
const post = (framing: string, body = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n${body}`;
const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** One request and all that was told of it. */
class Told implements InboundEvents, BodySink {
  writeTimeoutMs = Infinity;
  readonly events: (Gone | 'drained')[] = [];
  readonly bodyEvents: string[] = [];
  bytes = '';
  bodyError: HttpError | undefined;
  /** Its verbs are watched: no event may come from inside one. */
  readonly inbound: Inbound;
  readonly #made: Inbound;
  #isInVerb = false;
  #watchers: (() => void)[] = [];

  constructor(made: Inbound) {
    this.#made = made;
    made.events = this;
    this.inbound = new Proxy(made, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          this.#isInVerb = true;
          try {
            return member.apply(target, args) as unknown;
          } finally {
            this.#isInVerb = false;
          }
        };
      },
    });
  }

  isOf(made: Inbound): boolean {
    return made === this.#made;
  }

  drained(): void {
    this.#happened('drained');
  }

  gone(why: Gone): void {
    this.#happened(why);
  }

  #happened(event: Gone | 'drained'): void {
    expect(this.#isInVerb, 'no event comes from inside a verb').toBe(false);
    this.events.push(event);
    this.#notify();
  }

  data(chunk: Buffer): void {
    this.bodyEvents.push('data');
    this.bytes += chunk.toString('latin1');
    this.#notify();
  }

  end(): void {
    this.bodyEvents.push('end');
    this.#notify();
  }

  fail(error: HttpError): void {
    this.bodyEvents.push('fail');
    this.bodyError = error;
    this.#notify();
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #notify(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

class TestHost implements InboundHost {
  readonly takesOver: boolean;
  readonly refused: string[] = [];
  readonly requests: Told[] = [];
  /** Called in `accept()`. */
  onAccept: (told: Told) => void = () => undefined;
  #watchers: (() => void)[] = [];

  constructor(takesOver: boolean) {
    this.takesOver = takesOver;
  }

  accept(inbound: Inbound): void {
    const told = new Told(inbound);
    this.requests.push(told);
    this.onAccept(told);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  refuse(problem: HttpError): { status: number; fields: string[]; body: string } {
    this.refused.push(problem.code ?? '');
    return { status: problem.status, fields: ['content-length', '2'], body: 'no' };
  }

  failed(error: Error): void {
    throw error;
  }

  /** The request with that number, from 0, when it is there. */
  async request(index = 0): Promise<Told> {
    for (;;) {
      const told = this.requests[index];
      if (told !== undefined) return told;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }
}

export function inboundContract(make: MakeServer): void {
  async function setUp(options: { takesOver?: boolean; safety?: HttpSafetyOptions } = {}) {
    const host = new TestHost(options.takesOver ?? false);
    const server = make(host, new HttpSafety(options.safety));
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.destroy());
    return { host, server, port, raw: (bytes: string) => new RawClient(port).write(bytes) };
  }

  describe('the head', () => {
    it('is what the client sent: method, target, every field line in its order', async () => {
      const { host, raw } = await setUp();
      raw('PATCH /a%20b?c=d HTTP/1.1\r\nHost: x:1\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\n\r\n');
      const { inbound } = await host.request();
      expect(inbound).toMatchObject({
        method: 'PATCH',
        target: '/a%20b?c=d',
        fields: ['Host', 'x:1', 'X-B', '2', 'x-a', '1', 'X-B', '3'],
        body: 'none',
        bodyLength: 0,
        answer: 'due',
        isGone: false,
        flaw: undefined,
        awaitsContinue: false,
        canTakeOver: false,
        hasRequestId: false,
        remoteAddress: '127.0.0.1',
        isSecure: false,
      });
      expect(inbound.headBytes).toBeGreaterThan(40);
    });

    it('that is malformed is a flaw for the host to answer; nothing behind it is accepted', async () => {
      const { host, raw } = await setUp();
      host.onAccept = ({ inbound }) => {
        inbound.closeAfter();
        inbound.respond(400, OK, 'no');
      };
      const client = raw(`GET / HTTP/1.1\r\n\r\n${get('/behind')}`);
      expect(await client.all()).toMatch(/^HTTP\/1.1 400 [^]*connection: close[^]*\r\n\r\nno$/i);
      expect(host.requests.map(({ inbound }) => inbound.flaw?.code)).toEqual([
        'HOTARU_INVALID_HOST',
      ]);
    });

    it.each([
      ['bytes that are no HTTP', 'GARBAGE\r\n\r\n', 'HOTARU_BAD_REQUEST', 400],
      [
        'a head too large',
        get('/', `x: ${'y'.repeat(9_000)}\r\n`),
        'HOTARU_HEADERS_TOO_LARGE',
        431,
      ],
      ['an expectation', get('/', 'Expect: tea\r\n'), 'HOTARU_EXPECTATION_FAILED', 417],
      ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'HOTARU_METHOD_NOT_ALLOWED', 405],
    ])(
      '%s never becomes a request: the host is told, and says what to answer',
      async (...cases) => {
        const [, bytes, code, status] = cases;
        const { host, raw } = await setUp({ safety: { maxHeaderSize: 8_192 } });
        const received = await raw(bytes).all();
        expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\nno$`));
        expect(received).toMatch(/connection: close/i);
        expect(host.refused).toEqual([code]);
        expect(host.requests).toEqual([]);
      },
    );
  });

  describe('the body', () => {
    it.each([
      ['of known length', 'Content-Length: 6', ['abc', 'def'], 6],
      ['chunked', 'Transfer-Encoding: chunked', ['3\r\nabc\r\n', '3\r\ndef\r\n0\r\n\r\n'], -1],
    ])('%s: its bytes, then one end', async (_what, framing, [first = '', second = ''], length) => {
      const { host, raw } = await setUp();
      const client = raw(post(framing, first));
      const told = await host.request();
      expect(told.inbound).toMatchObject({ body: 'unread', bodyLength: length });
      told.inbound.readBody(told);
      expect(told.inbound.body).toBe('reading');
      await told.until(() => told.bytes === 'abc');
      client.write(second);
      await told.until(() => told.bodyEvents.includes('end'));
      expect(told.bytes).toBe('abcdef');
      expect(told.inbound.body).toBe('whole');
      expect(told.inbound.respond(200, OK, 'ok')).toBe(true);
      await client.until(/ok$/);
      client.socket.destroy();
      await turns();
      expect(told.bodyEvents.filter((event) => event !== 'data')).toEqual(['end']);
      expect(told.events).toEqual([]);
    });

    it('is read once', async () => {
      const { host, raw } = await setUp();
      raw(post('Content-Length: 6', 'abc'));
      const told = await host.request();
      told.inbound.readBody(told);
      expect(() => told.inbound.readBody(told)).toThrow('readBody() was called when it was');
    });

    it('that is paused delivers nothing, and slows its client down', async () => {
      const { host, port } = await setUp();
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      socket.write(post(`Content-Length: ${MUCH}`));
      const told = await host.request();
      told.inbound.readBody(told);
      told.inbound.pauseBody();
      expect(told.inbound.body).toBe('paused');
      socket.write(Buffer.alloc(MUCH, 'x'));
      await sleep(50);
      expect(told.bodyEvents).toEqual([]);
      expect(socket.writableLength).toBeGreaterThan(0);
      told.inbound.resumeBody();
      await told.until(() => told.bodyEvents.includes('end'));
      expect(told.bytes.length).toBe(MUCH);
    });

    it('that is broken fails once, says why, and leaves an answer that is the last', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Transfer-Encoding: chunked', '2\r\nab\r\nzz\r\n'));
      const told = await host.request();
      told.inbound.readBody(told);
      await told.until(() => told.bodyError !== undefined);
      expect(told.bodyError?.code).toBe('HOTARU_BAD_REQUEST');
      expect(told.inbound).toMatchObject({ body: 'cut', bodyError: told.bodyError, isGone: false });
      told.inbound.respond(400, OK, 'no');
      expect(await client.all()).toMatch(/^HTTP\/1.1 400 [^]*connection: close[^]*no$/i);
      expect(told.bodyEvents.filter((event) => event !== 'data')).toEqual(['fail']);
      expect(host.refused).toEqual([]);
    });

    it('that is not waited for makes its answer the last: what comes behind it, even so, is not run', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Content-Length: 100000', 'a'));
      const told = await host.request();
      told.inbound.begin(200, [], 'part');
      await client.until(/Connection: close[^]*part/);
      told.inbound.readBody(told);
      client.write('a'.repeat(99_999) + post('Content-Length: 3', 'abc'));
      await told.until(() => told.bodyEvents.includes('end'));
      await turns();
      expect(told.bytes.length).toBe(100_000);
      expect(told.inbound.end()).toBe(true);
      await client.closed;
      expect(host.requests.length).toBe(1);
    });

    it('that was not read is dropped when it is small, and the next request is accepted', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Content-Length: 6', 'abc'));
      const { inbound } = await host.request();
      inbound.respond(200, OK, 'ok');
      await client.until(/keep-alive[^]*ok$/i);
      client.write(`def${get('/next')}`);
      expect((await host.request(1)).inbound.target).toBe('/next');
      expect(() => inbound.readBody({ data() {}, end() {}, fail() {} })).toThrow();
    });

    it.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])(
      'that was not read and is large or of unknown length ends the connection, after the answer (%s)',
      async (framing) => {
        const { host, raw } = await setUp();
        const client = raw(post(framing));
        (await host.request()).inbound.respond(200, OK, 'ok');
        client.write('x'.repeat(100_000));
        expect(await client.all()).toMatch(/^HTTP\/1.1 200 [^]*connection: close[^]*ok$/i);
      },
    );

    it('is waited for by a client that expects 100: it is said once, when it is said', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Content-Length: 2\r\nExpect: 100-continue'));
      const told = await host.request();
      expect(told.inbound.awaitsContinue).toBe(true);
      await turns();
      expect(client.received).toBe('');
      told.inbound.sayContinue();
      told.inbound.sayContinue();
      told.inbound.readBody(told);
      await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
      client.write('ab');
      await told.until(() => told.bodyEvents.includes('end'));
      told.inbound.respond(200, OK, 'ok');
      await client.until(/100 Continue\r\n\r\nHTTP\/1.1 200 [^]*ok$/);
    });

    it('that the client was never asked to send is not waited for', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Content-Length: 2\r\nExpect: 100-continue'));
      const { inbound } = await host.request();
      inbound.respond(413, OK, 'no');
      inbound.sayContinue();
      expect(await client.all()).toMatch(/^HTTP\/1.1 413 [^]*connection: close[^]*no$/i);
    });
  });

  describe('the answer', () => {
    it('in one piece is sent at once, and no event follows', async () => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const told = await host.request();
      expect(told.inbound.respond(201, ['x-a', '1', 'x-a', '2', ...OK], 'ok')).toBe(true);
      expect(told.inbound.answer).toBe('sent');
      await client.until(/^HTTP\/1.1 201 Created\r\nx-a: 1\r\nx-a: 2\r\n[^]*\r\n\r\nok$/);
      client.socket.destroy();
      await turns();
      expect(told.events).toEqual([]);
    });

    it.each([
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ])('to %s with %i has no body, whatever it is given; the next one follows', async (...how) => {
      const [method, status] = how;
      const { host, raw } = await setUp();
      const client = raw(get().replace('GET', method) + get('/next'));
      (await host.request()).inbound.respond(status, status === 200 ? OK : [], 'ok');
      (await host.request(1)).inbound.respond(200, OK, 'ok');
      const [, first = '', second = ''] = (await client.until(/ok$/)).input.split('HTTP/1.1 ');
      expect(first).toMatch(new RegExp(`^${status} [^]*\r\n\r\n$`));
      expect(second).toMatch(/^200 [^]*\r\n\r\nok$/);
    });

    it('in pieces: the head at once, a piece when it is written, an end', async () => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      expect(inbound.begin(200, [], undefined)).toBe(true);
      expect(inbound.answer).toBe('begun');
      await client.until(/^HTTP\/1.1 200 [^]*chunked[^]*\r\n\r\n$/);
      expect(inbound.write('one')).toBe(true);
      await client.until(/3\r\none\r\n$/);
      expect(inbound.write(Buffer.from('two'))).toBe(true);
      expect(inbound.end()).toBe(true);
      await client.until(/3\r\ntwo\r\n0\r\n\r\n$/);
      expect(inbound.answer).toBe('sent');
    });

    it('with a content-length among its fields is framed by it', async () => {
      const { host, raw } = await setUp();
      const client = raw(get() + get('/next'));
      const { inbound } = await host.request();
      inbound.begin(200, ['content-length', '6'], 'one');
      inbound.write('two');
      inbound.end();
      (await host.request(1)).inbound.respond(200, OK, 'ok');
      await client.until(/content-length: 6\r\n[^]*\r\n\r\nonetwoHTTP\/1.1 200 [^]*ok$/);
    });

    it('is slowed down by its client: write() returns false, then comes drained', async () => {
      const { host, port } = await setUp();
      const socket = await deafClient(port, get());
      const told = await host.request();
      expect(told.inbound.begin(200, [], Buffer.alloc(MUCH))).toBe(false);
      await turns();
      expect(told.events).toEqual([]);
      socket.resume();
      await told.until(() => told.events.length > 0);
      expect(told.events).toEqual(['drained']);
      expect(told.inbound.answer).toBe('begun');
      expect(told.inbound.end()).toBe(true);
    });

    it('that the client has not taken at its end is sent when drained comes', async () => {
      const { host, port } = await setUp();
      const socket = await deafClient(port, get());
      const told = await host.request();
      expect(told.inbound.respond(200, ['content-length', String(MUCH)], Buffer.alloc(MUCH))).toBe(
        false,
      );
      expect(told.inbound.answer).toBe('ended');
      socket.resume();
      await told.until(() => told.events.length > 0);
      expect(told.events).toEqual(['drained']);
      expect(told.inbound.answer).toBe('sent');
    });

    it('leaves in the order of the requests, in whatever order it is given', async () => {
      const { host, raw } = await setUp();
      const client = raw(get('/0') + get('/1') + get('/2'));
      const told = [await host.request(0), await host.request(1), await host.request(2)] as const;
      expect(told[2].inbound.respond(200, OK, 'C!')).toBe(false);
      told[1].inbound.begin(200, OK, 'B');
      await turns();
      expect(client.received).toBe('');
      expect(told[0].inbound.respond(200, OK, 'A!')).toBe(true);
      await client.until(/A!HTTP[^]*\r\n\r\nB$/);
      told[1].inbound.write('!');
      told[1].inbound.end();
      await client.until(/B!HTTP[^]*\r\n\r\nC!$/);
      await told[2].until(() => told[2].events.length > 0);
      expect(told[2].events).toEqual(['drained']);
    });

    it.each([
      ['respond()', (inbound: Inbound) => inbound.respond(200, OK, 'ok')],
      ['begin()', (inbound: Inbound) => inbound.begin(200, OK, 'ok')],
      ['write()', (inbound: Inbound) => inbound.write('ok')],
      ['end()', (inbound: Inbound) => inbound.end()],
      ['inform()', (inbound: Inbound) => inbound.inform(102, [])],
      ['cut()', (inbound: Inbound) => inbound.cut()],
    ])('is not given twice: %s after the end is refused', async (verb, again) => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      inbound.begin(200, [], 'ok');
      inbound.end();
      expect(() => again(inbound)).toThrow(`${verb} was called when it was "sent"`);
      await client.until(/0\r\n\r\n$/);
    });

    it('of which nothing has begun has no piece and no end', async () => {
      const { host, raw } = await setUp();
      raw(get());
      const { inbound } = await host.request();
      expect(() => inbound.write('x')).toThrow('write() was called when it was "due"');
      expect(() => inbound.end()).toThrow('end() was called when it was "due"');
    });

    it('may be preceded by early hints; not for HTTP/1.0, and never with a line break in them', async () => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      inbound.inform(103, ['link', '</a.css>; rel=preload', 'link', '</b.js>; rel=preload']);
      inbound.inform(102, []);
      await client.until(
        /^HTTP\/1.1 103 [^]*a.css[^]*b.js[^]*\r\n\r\nHTTP\/1.1 102 Processing\r\n\r\n$/,
      );
      expect(() => inbound.inform(103, ['link', '</a>; rel=x', 'x-a', 'a\r\nx-b: c'])).toThrow();
      inbound.respond(200, OK, 'ok');
      await client.until(/102 Processing\r\n\r\nHTTP\/1.1 200 [^]*ok$/);
      const old = raw('GET / HTTP/1.0\r\n\r\n');
      const oldInbound = (await host.request(1)).inbound;
      oldInbound.inform(103, ['link', '</a.css>; rel=preload']);
      oldInbound.respond(200, OK, 'ok');
      expect(await old.all()).toMatch(/^HTTP\/1.[01] 200 [^]*ok$/);
    });

    it('after closeAfter() is the last: it says so, and nothing behind it is accepted', async () => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      inbound.closeAfter();
      client.write(get('/behind'));
      await turns();
      inbound.respond(200, OK, 'ok');
      expect(await client.all()).toMatch(/^HTTP\/1.1 200 [^]*connection: close[^]*ok$/i);
      expect(host.requests).toHaveLength(1);
    });

    it('with a request behind it cannot be made the last', async () => {
      const { host, raw } = await setUp();
      const client = raw(get() + get('/behind'));
      const [first, second] = [await host.request(0), await host.request(1)];
      first.inbound.closeAfter();
      first.inbound.respond(200, OK, 'A!');
      second.inbound.closeAfter();
      second.inbound.respond(200, OK, 'B!');
      const [, a, b] = (await client.all()).split('HTTP/1.1 ');
      expect(a).toMatch(/connection: keep-alive[^]*A!$/i);
      expect(b).toMatch(/connection: close[^]*B!$/i);
    });
  });

  describe('a client that leaves is told once', () => {
    const STATES: Record<string, (told: Told) => void | Promise<void>> = {
      'with the answer due': () => undefined,
      'with half of the body read': async (told) => {
        told.inbound.readBody(told);
        await told.until(() => told.bytes === 'abc');
      },
      'with the body paused': (told) => {
        told.inbound.readBody(told);
        told.inbound.pauseBody();
      },
      'with the answer begun': (told) => void told.inbound.begin(200, [], 'part'),
      'with an answer that was never ended, and full': (told) =>
        void told.inbound.begin(200, [], Buffer.alloc(MUCH)),
      'with the answer ended, but not taken': (told) =>
        void told.inbound.respond(200, [], Buffer.alloc(MUCH)),
    };

    it.each(Object.entries(STATES))('%s', async (_what, enter) => {
      const { host, port } = await setUp();
      const socket = await deafClient(port, post('Content-Length: 6', 'abc'));
      const told = await host.request();
      await enter(told);
      const wasRead = told.inbound.body !== 'unread';
      await turns();
      socket.resetAndDestroy();
      await told.until(() => told.events.length > 0);
      await sleep(20);
      expect(told.events).toEqual(['left']);
      expect(told.inbound).toMatchObject({ answer: 'gone', isGone: true, body: 'cut' });
      const ends = told.bodyEvents.filter((event) => event !== 'data');
      expect(ends).toEqual(wasRead ? ['fail'] : []);
      // It may cross any call on its way.
      expect(told.inbound.respond(200, OK, 'ok')).toBe(false);
      expect(told.inbound.write('x')).toBe(false);
      told.inbound.cut();
      await turns();
      expect(told.events).toEqual(['left']);
    });

    it.each(['destroy', 'resetAndDestroy'] as const)(
      'to all of its requests, also to those whose turn has not come (%s)',
      async (how) => {
        const { host, raw } = await setUp();
        const client = raw(get('/0') + get('/1') + get('/2'));
        const told = [await host.request(0), await host.request(1), await host.request(2)];
        told[1]?.inbound.begin(200, [], 'waits');
        told[2]?.inbound.respond(200, OK, 'ok');
        client.socket[how]();
        for (const one of told) await one.until(() => one.events.length > 0);
        await sleep(20);
        expect(told.map(({ events }) => events)).toEqual([['left'], ['left'], ['left']]);
      },
    );

    it('but a body that is here in full is read to its end, if its answer was sent', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Transfer-Encoding: chunked', '1\r\na\r\n'));
      const told = await host.request();
      told.inbound.readBody(told);
      await told.until(() => told.bytes === 'a');
      expect(told.inbound.respond(200, OK, 'ok')).toBe(true);
      await client.until(/ok$/);
      told.inbound.pauseBody();
      client.write('1\r\nb\r\n0\r\n\r\n').socket.end();
      await client.closed;
      await turns();
      told.inbound.resumeBody();
      await told.until(() => told.bodyEvents.length > 2);
      expect(told.bodyEvents).toEqual(['data', 'data', 'end']);
      expect(told.bytes).toBe('ab');
    });

    it('and a body that was still read after the answer fails', async () => {
      const { host, raw } = await setUp();
      const client = raw(post('Content-Length: 6', 'abc'));
      const told = await host.request();
      told.inbound.readBody(told);
      await told.until(() => told.bytes === 'abc');
      expect(told.inbound.respond(200, OK, 'ok')).toBe(true);
      await client.until(/ok$/);
      expect(told.inbound.body).toBe('dropped');
      client.socket.resetAndDestroy();
      await told.until(() => told.bodyError !== undefined);
      expect(told.bodyError?.code).toBe('HOTARU_CLIENT_GONE');
      expect(told.events).toEqual([]);
    });
  });

  it('a client that takes nothing is given up: its connection is reset, all its requests are gone', async () => {
    const { host, port } = await setUp();
    const socket = await deafClient(port, get('/0') + get('/1'));
    const [first, second] = [await host.request(0), await host.request(1)];
    first.writeTimeoutMs = 100;
    first.inbound.respond(200, [], Buffer.alloc(MUCH));
    await Promise.all([first, second].map((one) => one.until(() => one.events.length > 0)));
    for (const { events } of [first, second]) {
      expect(events).toMatchObject([{ timeoutMs: 100, unsentBytes: expect.any(Number) }]);
      expect(first.isOf((events[0] as Stalled).late)).toBe(true);
    }
    socket.resume();
    await once(socket, 'close');
  });

  describe('cut()', () => {
    it('ends the connection without an end of the body, and what was written before arrives', async () => {
      const { host, raw } = await setUp();
      const client = raw(get());
      const told = await host.request();
      told.inbound.begin(200, [], 'part');
      told.inbound.cut();
      expect(told.inbound).toMatchObject({ answer: 'cut', isGone: true });
      const received = await client.all();
      expect(received).toMatch(/4\r\npart\r\n$/);
      await turns();
      expect(told.events).toEqual([]); // its caller knows
    });

    it.each(['1.0', '1.1'])(
      'fails a body that is still read, also one that is here in full behind a newer request (HTTP/%s)',
      async (version) => {
        const { host, raw } = await setUp();
        const framing = 'Connection: keep-alive\r\nContent-Length: 2';
        const client = raw(`POST / HTTP/${version}\r\nHost: x\r\n${framing}\r\n\r\na`);
        const told = await host.request();
        told.inbound.readBody(told);
        await told.until(() => told.bytes === 'a');
        told.inbound.pauseBody();
        client.write(`b${get('/1')}`);
        await host.request(1);
        told.inbound.begin(200, [], 'part');
        told.inbound.cut();
        expect(told.bodyEvents).toEqual(['data']);
        await told.until(() => told.bodyEvents.length > 1);
        await client.closed;
        expect(told.bodyEvents).toEqual(['data', 'fail']);
        expect(told.inbound.body).toBe('cut');
        expect(told.events).toEqual([]);
      },
    );

    it('is a reset for HTTP/1.0, where an end of the connection is the end of the body', async () => {
      const { host, raw } = await setUp();
      const client = raw('GET / HTTP/1.0\r\n\r\n');
      const { inbound } = await host.request();
      inbound.begin(200, [], 'part');
      await client.until(/part$/);
      inbound.cut();
      expect(await client.closed).toBe('reset');
    });

    it('waits for the answers before it, and takes those behind it along', async () => {
      const { host, raw } = await setUp();
      const client = raw(get('/0') + get('/1') + get('/2'));
      const told = [await host.request(0), await host.request(1), await host.request(2)] as const;
      told[1].inbound.begin(200, [], 'part');
      told[1].inbound.cut();
      await turns();
      expect(client.received).toBe('');
      expect(client.socket.closed).toBe(false);
      told[0].inbound.respond(200, OK, 'A!');
      expect(await client.all()).toMatch(/^HTTP\/1.1 200 [^]*A!/);
      await told[2].until(() => told[2].events.length > 0);
      expect(told.map(({ events }) => events)).toEqual([[], [], ['left']]);
    });
  });

  describe('a request for another protocol', () => {
    const upgrade = get('/echo', 'Connection: upgrade\r\nUpgrade: echo\r\n');

    it('is one as any other where the host takes nothing over', async () => {
      const { host, raw } = await setUp();
      const client = raw(upgrade);
      const { inbound } = await host.request();
      expect(inbound.canTakeOver).toBe(false);
      expect(() => inbound.takeOver()).toThrow('takeOver() was called when it was "due"');
      inbound.respond(200, OK, 'ok');
      await client.until(/keep-alive[^]*ok$/i);
    });

    it.each([
      ['Upgrade', upgrade],
      ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ])('%s: the socket is handed over, with what came behind the head', async (_what, head) => {
      const { host, server, raw } = await setUp({ takesOver: true });
      const client = raw(`${head}early`);
      const told = await host.request();
      expect(told.inbound).toMatchObject({ canTakeOver: true, body: 'none' });
      const { socket, head: early } = told.inbound.takeOver();
      expect(told.inbound.answer).toBe('taken');
      expect(String(early)).toBe('early');
      expect(() => told.inbound.respond(200, OK, 'ok')).toThrow('when it was "taken"');
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nhello ');
      socket.pipe(socket);
      await client.until(/hello $/);
      // The drain leaves it alone, and it may end by itself.
      const drained = server.drain(20_000, () => undefined);
      await sleep(200);
      client.write('still there');
      await client.until(/still there$/);
      client.socket.end();
      await drained;
      expect(told.events).toEqual([]);
    });

    it('may be answered instead: then the connection ends', async () => {
      const { host, raw } = await setUp({ takesOver: true });
      const client = raw(upgrade);
      (await host.request()).inbound.respond(426, OK, 'no');
      expect(await client.all()).toMatch(/^HTTP\/1.1 426 [^]*connection: close[^]*no$/i);
    });

    it('waits for the answers before it', async () => {
      const { host, raw } = await setUp({ takesOver: true });
      const client = raw(get() + upgrade);
      const { inbound } = await host.request();
      await turns();
      expect(host.requests).toHaveLength(1);
      inbound.respond(200, OK, 'ok');
      const { socket } = (await host.request(1)).inbound.takeOver();
      socket.write('taken');
      await client.until(/oktaken$/);
    });
  });

  describe('the server', () => {
    it('says where it listens, and the system’s error when it cannot', async () => {
      const { host, port } = await setUp();
      const other = make(host, new HttpSafety());
      await expect(other.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
        code: 'EADDRINUSE',
      });
      expect(await other.listen({ host: '127.0.0.1', port: 0 })).toMatchObject({
        host: '127.0.0.1',
        port: expect.any(Number),
      });
      other.destroy();
    });

    it('that stops accepting answers what it has accepted', async () => {
      const { host, server, port, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      expect(server.size).toBe(1);
      await server.stopAccepting();
      const late = connect(port, '127.0.0.1');
      await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      const drained = server.drain(20_000, () => undefined);
      inbound.closeAfter();
      inbound.respond(200, OK, 'ok');
      await client.until(/ok$/);
      await drained;
      expect(server.size).toBe(0);
    });

    it('whose drain is out of time says what it cuts, and answers given then are read', async () => {
      const { host, server, raw } = await setUp();
      const client = raw(get());
      const { inbound } = await host.request();
      const cuts: object[] = [];
      await server.drain(50, (cut) => {
        cuts.push(cut);
        inbound.closeAfter();
        inbound.respond(503, OK, 'no');
      });
      expect(cuts).toEqual([{ responses: 1, upgraded: 0 }]);
      expect(await client.all()).toMatch(/^HTTP\/1.1 503 [^]*no$/);
    });

    it('that is destroyed ends every connection; each request is told', async () => {
      const { host, server, raw } = await setUp();
      const client = raw(get());
      const told = await host.request();
      server.destroy();
      await client.closed;
      await told.until(() => told.events.length > 0);
      expect(told.events).toEqual(['left']);
    });
  });
}

/**
 * Every clock in every state of a call: each runs in its own state, from its beginning and for its whole length,
 * and in no other. One table, over TCP and over TLS; time is virtual, sockets are real.
 *
 *   acquire   queued, or waiting for a dial         headers   the request is out, the head is not there
 *   connect   waiting for a dial                    body      the peer takes nothing, or brings nothing to a reader
 *   total     everywhere, until the call is over
 */
import { PassThrough } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import {
  ConnectionPool,
  RequestScope,
  type ClientResponse,
  type ErrorCode,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { testCertificates } from './certificates.js';
import { HandFed } from './support/hand-fed.js';
import { until } from './support/waiting.js';
import {
  configOf,
  pass,
  PROTOCOLS,
  startUpstream,
  type Peer,
  type Upstream,
} from './support/protocols.js';

describe.each(PROTOCOLS)('over %s', (protocol) => {
  /** What each clock is set to, alone: all others are off. Shorter than the wait for `100 Continue`. */
  const CLOCK_MS = 500;
  /** How long a state must last unharmed by a clock that is not its own. */
  const LONG_MS = 60_000;
  const MIB = 1_048_576;
  /** More than this is on its way when the peer takes nothing more: what a socket holds, or the window of a stream. */
  const blockedBytes = protocol === 'h2' ? 60_000 : MIB / 2;
  /** The kernel moves bytes between the two sockets in its own time: one look without a change proves nothing. */
  const LOOKS_OF_A_FULL_SOCKET = 100;

  const CLOCKS = ['acquire', 'connect', 'headers', 'body', 'total'] as const;
  type ClockName = (typeof CLOCKS)[number];
  type Transport = 'tcp' | 'tls' | 'a TLS handshake that stalls';

  const OFF = {
    acquireTimeout: Infinity,
    connectionTimeout: Infinity,
    headersTimeout: Infinity,
    bodyTimeout: Infinity,
    timeout: Infinity,
    idleTimeout: Infinity,
    maxLifetime: Infinity,
  };
  const OPTIONS: Record<ClockName, SendOptions> = {
    acquire: {}, // a setting of the pool
    connect: { connectTimeout: CLOCK_MS },
    headers: { headersTimeout: CLOCK_MS },
    body: { bodyTimeout: CLOCK_MS },
    total: { timeout: CLOCK_MS },
  };
  const CODES: Record<ClockName, ErrorCode> = {
    acquire: 'HOTARU_ACQUIRE_TIMEOUT',
    connect: 'HOTARU_CONNECT_TIMEOUT',
    headers: 'HOTARU_HEADERS_TIMEOUT',
    body: 'HOTARU_BODY_TIMEOUT',
    total: 'HOTARU_DEADLINE_EXCEEDED',
  };

  /** A call that stands in the state. */
  interface Standing {
    /** What the call comes to: read from it, if the state is one in which nothing is read. */
    readonly outcome: () => Promise<unknown>;
    /** Lets it go on to a good end. Undefined where there is none. */
    readonly finish?: () => unknown;
  }

  interface Scene {
    readonly pool: ConnectionPool;
    readonly upstream: Upstream;
    /** The call under test, with the clock under test. */
    readonly send: (request?: RequestInit) => Promise<ClientResponse>;
    /** One that has no clock at all. */
    readonly sendUnclocked: (request?: RequestInit) => Promise<ClientResponse>;
    readonly peer: () => Promise<Peer>;
  }

  interface State {
    /** As `openCalls()` names it; undefined once the call is over. */
    readonly phase: string | undefined;
    readonly strikes: readonly ClockName[];
    readonly over?: readonly Transport[];
    /** What the acquire clock says there, if it is not that the pool has none. */
    readonly acquireCode?: ErrorCode;
    readonly lastsMs?: number;
    readonly reach: (scene: Scene) => Promise<Standing>;
  }

  const post = (body: RequestInit['body'], headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    body,
    headers,
  });
  const given = (...pieces: (string | Uint8Array)[]): HandFed => {
    const body = new HandFed();
    body.give(...pieces);
    return body;
  };
  const ended = (...pieces: (string | Uint8Array)[]): HandFed => {
    const body = given(...pieces);
    body.end();
    return body;
  };
  const textOf = (sent: Promise<ClientResponse>): Promise<string> => {
    const text = sent.then((response) => response.text());
    text.catch(() => undefined); // some are left behind when the scene ends
    return text;
  };

  /** The request is out, whatever its body: nothing has come back. */
  function waitingForHead(request: () => RequestInit): State['reach'] {
    return async ({ send, peer }) => {
      const text = textOf(send(request()));
      const origin = await peer();
      await origin.readRequest();
      return { outcome: () => text, finish: () => origin.respond(200, {}, 'done') };
    };
  }

  /** The peer takes nothing, and the socket is full. */
  function blocked(request: () => RequestInit): State['reach'] {
    return async ({ send, peer, pool }) => {
      const text = textOf(send(request()));
      const origin = await peer();
      origin.pauseReading();
      let bytesSent = -1;
      let looksUnchanged = 0;
      await until(() => {
        const before = bytesSent;
        bytesSent = pool.stats().bytesSent;
        looksUnchanged = bytesSent === before ? looksUnchanged + 1 : 0;
        return bytesSent > blockedBytes && looksUnchanged >= LOOKS_OF_A_FULL_SOCKET;
      }, 'the socket is full');
      return {
        outcome: () => text,
        finish: async () => {
          origin.resumeReading();
          await origin.readRequest();
          await origin.respond(200, {}, 'done');
        },
      };
    };
  }

  /** The head is there; the body comes when the test says so, packed or not. */
  async function streaming(
    { send, peer }: Scene,
    coding: 'identity' | 'gzip',
    request: RequestInit,
  ) {
    const sent = send(request);
    const origin = await peer();
    await origin.readHead();
    if (!(request.body instanceof HandFed) && !(request.body instanceof Uint8Array))
      await origin.readBody();
    const packer =
      coding === 'gzip' ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : new PassThrough();
    packer.on('data', (bytes: Buffer) => {
      void origin.write(`${bytes.length.toString(16)}\r\n`);
      void origin.write(bytes);
      void origin.write('\r\n');
    });
    packer.on('end', () => void origin.write('0\r\n\r\n'));
    const field = coding === 'gzip' ? 'Content-Encoding: gzip\r\n' : '';
    await origin.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${field}\r\n`);
    return { response: await sent, packer };
  }

  function readingBody(coding: 'identity' | 'gzip', request: () => RequestInit): State['reach'] {
    return async (scene) => {
      const { response, packer } = await streaming(scene, coding, request());
      const text = response.text();
      return { outcome: () => text, finish: () => packer.end('done') };
    };
  }

  function bodyNotRead(coding: 'identity' | 'gzip', request: () => RequestInit): State['reach'] {
    return async (scene) => {
      const { response, packer } = await streaming(scene, coding, request());
      return { outcome: () => response.text(), finish: () => packer.end('done') };
    };
  }

  function betweenPieces(coding: 'identity' | 'gzip'): State['reach'] {
    return async (scene) => {
      const { response, packer } = await streaming(scene, coding, {});
      const pieces = response.body[Symbol.asyncIterator]();
      const first = pieces.next();
      packer.write('first');
      await first;
      return {
        outcome: async () => {
          const { value } = await pieces.next();
          return Buffer.from(value ?? []).toString();
        },
        finish: () => packer.end('done'),
      };
    };
  }

  const STATES: Record<string, State> = {
    'queued for a connection': {
      phase: 'queue',
      strikes: ['acquire', 'total'],
      reach: async ({ send, sendUnclocked, peer }) => {
        const first = textOf(sendUnclocked());
        const origin = await peer();
        await origin.readRequest();
        const text = textOf(send());
        return {
          outcome: () => text,
          finish: async () => {
            await origin.respond(200, {}, 'first');
            await first;
            await origin.readRequest();
            await origin.respond(200, {}, 'done');
          },
        };
      },
    },
    'waiting for a dial': {
      phase: 'tls',
      strikes: ['acquire', 'connect', 'total'],
      over: ['a TLS handshake that stalls'],
      acquireCode: 'HOTARU_CONNECT_TIMEOUT',
      reach: async ({ send, upstream }) => {
        const text = textOf(send());
        await until(
          () => (upstream.connections[0]?.bytesReceived ?? 0) > 0,
          'the ClientHello came',
        );
        return { outcome: () => text };
      },
    },
    'the caller’s stream has not begun': {
      phase: 'send',
      strikes: ['total'],
      reach: async ({ send, peer }) => {
        const body = new HandFed();
        const text = textOf(send(post(body)));
        const origin = await peer();
        await origin.readHead();
        return {
          outcome: () => text,
          finish: async () => {
            body.end();
            await origin.readBody();
            await origin.respond(200, {}, 'done');
          },
        };
      },
    },
    'the caller’s stream pauses': {
      phase: 'send',
      strikes: ['total'],
      reach: async ({ send, peer }) => {
        const body = given('piece', Buffer.alloc(200_000), 'piece');
        const text = textOf(send(post(body)));
        const origin = await peer();
        await until(() => body.asked === 4, 'all it had was taken');
        await until(() => origin.bytesReceived > 200_000, 'all of that came');
        return {
          outcome: () => text,
          finish: async () => {
            body.end();
            await origin.readRequest();
            await origin.respond(200, {}, 'done');
          },
        };
      },
    },
    'the peer takes nothing of a buffer': {
      phase: 'send',
      strikes: ['body', 'total'],
      reach: blocked(() => post(Buffer.alloc(12 * MIB))),
    },
    'the peer takes nothing of a stream': {
      phase: 'send',
      strikes: ['body', 'total'],
      reach: blocked(() => post(ended(...Array<Buffer>(400).fill(Buffer.alloc(30_000))))),
    },
    'the peer takes nothing of a large piece': {
      phase: 'send',
      strikes: ['body', 'total'],
      reach: blocked(() => post(ended(Buffer.alloc(12 * MIB)))),
    },
    'waiting for 100 Continue': {
      phase: 'send',
      strikes: ['total'],
      lastsMs: 400, // its own clock, of a second, sends the body then
      reach: async ({ send, peer }) => {
        const text = textOf(send(post('body', { expect: '100-continue' })));
        const origin = await peer();
        await origin.readHead();
        return {
          outcome: () => text,
          finish: async () => {
            await origin.write('HTTP/1.1 100 Continue\r\n\r\n');
            await origin.readBody();
            await origin.respond(200, {}, 'done');
          },
        };
      },
    },
    'after 100 Continue, the caller’s stream pauses': {
      phase: 'send',
      strikes: ['total'],
      reach: async ({ send, peer }) => {
        const body = new HandFed();
        const text = textOf(send(post(body, { expect: '100-continue' })));
        const origin = await peer();
        await origin.readHead();
        await origin.write('HTTP/1.1 100 Continue\r\n\r\n');
        await until(() => body.asked === 1, 'the body was asked for');
        return {
          outcome: () => text,
          finish: async () => {
            body.end();
            await origin.readBody();
            await origin.respond(200, {}, 'done');
          },
        };
      },
    },
    'waiting for the head: no body': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: waitingForHead(() => ({})),
    },
    'waiting for the head: text': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: waitingForHead(() => post('text')),
    },
    'waiting for the head: a buffer': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: waitingForHead(() => post(Buffer.alloc(MIB))),
    },
    'waiting for the head: a small stream': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: waitingForHead(() => post(ended('a', 'b'))),
    },
    'waiting for the head: a large stream': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: waitingForHead(() => post(ended(Buffer.alloc(MIB), 'end'))),
    },
    'waiting for the rest of the head': {
      phase: 'headers',
      strikes: ['headers', 'total'],
      reach: async ({ send, peer }) => {
        const text = textOf(send());
        const origin = await peer();
        await origin.readRequest();
        await origin.write('HTTP/1.1 200 OK\r\nContent-Le');
        return { outcome: () => text, finish: () => origin.write('ngth: 4\r\n\r\ndone') };
      },
    },
    'reading the body': {
      phase: 'body',
      strikes: ['body', 'total'],
      reach: readingBody('identity', () => ({})),
    },
    'reading the body, packed': {
      phase: 'body',
      strikes: ['body', 'total'],
      reach: readingBody('gzip', () => ({})),
    },
    'reading the body of an early answer': {
      phase: 'body',
      strikes: ['body', 'total'],
      reach: readingBody('identity', () => post(new HandFed())),
    },
    'not reading the body': {
      phase: 'body',
      strikes: ['total'],
      reach: bodyNotRead('identity', () => ({})),
    },
    'not reading the body, packed': {
      phase: 'body',
      strikes: ['total'],
      reach: bodyNotRead('gzip', () => ({})),
    },
    'not reading the body of an early answer': {
      phase: 'body',
      strikes: ['total'],
      reach: bodyNotRead('identity', () => post(new HandFed())),
    },
    'not reading the body of an early answer, while the peer takes nothing': {
      phase: 'body',
      strikes: ['total'],
      reach: async (scene) => {
        const { response, packer } = await streaming(
          scene,
          'identity',
          post(Buffer.alloc(24 * MIB)),
        );
        (await scene.peer()).pauseReading();
        return { outcome: () => response.text(), finish: () => packer.end('done') };
      },
    },
    'between two pieces of the body': {
      phase: 'body',
      strikes: ['total'],
      reach: betweenPieces('identity'),
    },
    'between two pieces of the body, packed': {
      phase: 'body',
      strikes: ['total'],
      reach: betweenPieces('gzip'),
    },
    'after its end': {
      phase: undefined,
      strikes: [],
      reach: async ({ send, peer }) => {
        const sent = send(post(ended('a', 'stream')));
        const origin = await peer();
        await origin.readRequest();
        await origin.respond(200, {}, 'done');
        const response = await sent;
        return { outcome: () => response.text(), finish: () => undefined };
      },
    },
    'after its end, in the next call on its connection': {
      phase: undefined,
      strikes: [],
      reach: async ({ send, sendUnclocked, peer, upstream }) => {
        const first = textOf(send(post(ended('a', 'stream'))));
        const origin = await peer();
        await origin.readRequest();
        await origin.respond(200, {}, 'first');
        await first;
        const text = textOf(sendUnclocked(post('next')));
        await origin.readRequest();
        expect(upstream.accepted).toBe(1);
        return { outcome: () => text, finish: () => origin.respond(200, {}, 'done') };
      },
    },
  };

  async function stand(transport: Transport, clockName: ClockName, state: State) {
    const clock = new VirtualClock();
    const certificates = await testCertificates();
    const upstream = await startUpstream(
      transport === 'a TLS handshake that stalls' ? 'http/1.1' : protocol,
      transport === 'tls' ? { tls: certificates.localhost } : {},
    );
    const url = transport === 'tcp' ? upstream.url : upstream.url.replace(/^https?:/, 'https:');
    const tls = transport === 'tcp' ? {} : { tls: { ca: certificates.ca } };
    const config = clockName === 'acquire' ? { ...OFF, acquireTimeout: CLOCK_MS } : OFF;
    const pool = new ConnectionPool(configOf(protocol, { ...config, maxPerHost: 1 }), { clock });
    const scope = new RequestScope();
    const standing = await state.reach({
      pool,
      upstream,
      send: (request = {}) =>
        pool.sendRequest(url, request, { ...tls, ...OPTIONS[clockName] }, scope),
      sendUnclocked: (request = {}) => pool.sendRequest(url, request, tls),
      peer: () => upstream.connection(0),
    });
    await turn();
    return {
      clock,
      scope,
      upstream,
      ...standing,
      [Symbol.asyncDispose]: async () => {
        pool.close();
        await upstream.close();
      },
    };
  }

  for (const [name, state] of Object.entries(STATES))
    describe(name, () => {
      for (const transport of state.over ?? (['tcp', 'tls'] as const))
        for (const clockName of CLOCKS) {
          const strikes = state.strikes.includes(clockName);
          it(`${clockName} ${strikes ? 'strikes' : 'does not run'}, over ${transport}`, async () => {
            await using call = await stand(transport, clockName, state);
            const phases = () => call.scope.openCalls().map(({ phase }) => phase);
            const expected = state.phase === undefined ? [] : [state.phase];
            expect(phases()).toEqual(expected);
            if (strikes) {
              call.clock.advance(CLOCK_MS - 1);
              await turn();
              expect(phases()).toEqual(expected);
              call.clock.advance(1);
              expect(call.scope.openCalls()).toEqual([]);
              const ownCode = clockName === 'acquire' ? state.acquireCode : undefined;
              const code = ownCode ?? CODES[clockName];
              await expect(call.outcome()).rejects.toMatchObject({ code });
              return;
            }
            await pass(call.clock, state.lastsMs ?? LONG_MS, call.upstream);
            expect(phases()).toEqual(expected);
            if (call.finish === undefined) return;
            const outcome = call.outcome();
            await call.finish();
            expect(await outcome).toBe('done');
          });
        }
    });
});

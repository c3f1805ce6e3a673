/**
 * How streams and connections end before their answers do: RST_STREAM, GOAWAY, and a socket that closes (RFC 9113 §5.4,
 * §6.4, §6.8; docs/rules.md, rules 1 and 12). What the origin has not acted on, and says so, is sent again whatever its
 * method; all else as over HTTP/1.1, and a POST never twice.
 */
import { ConnectionPool, HotaruClientError } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS } from '../hostile/support.js';
import { CODE, data, goaway, headers, rst } from '../support/h2/frames.js';
import { answering, H2Origin } from '../support/h2/origin.js';
import {
  CLOSED,
  closed,
  H2,
  NEXT_BODY,
  ok,
  post,
  promises,
  streamed,
  whole,
  type H2Case,
} from './support.js';

const NEXT = { body: NEXT_BODY };
const REQUESTS = {
  'a GET': () => ({}),
  'a POST with bytes': () => post(),
};
const LAST_ID = 0x7fff_ffff;

promises('RST_STREAM before the answer, on a new connection', [
  ...Object.entries(CODE)
    .filter(([, code]) => code !== CODE.refusedStream)
    .flatMap(([name, code]) =>
      Object.entries(REQUESTS).map(([what, request]): H2Case => ({
        name: `${name} ends ${what} once`,
        request,
        origin: (id) => rst(id, code),
        expect: CLOSED,
        reuse: code === CODE.http11Required ? 'either' : true,
      })),
    ),
  {
    name: 'an unknown code is an error like the others (§7)',
    origin: (id) => rst(id, 0xbeef),
    expect: CLOSED,
    reuse: true,
  },
]);

promises('RST_STREAM behind the head, or in the body', [
  ...Object.entries(CODE).map(([name, code]): H2Case => ({
    name: `${name} in the body ends the call, and is sent once`,
    origin: (id) => [ok(id, [['content-length', '5']]), data(id, 'hel'), rst(id, code)],
    expect: CLOSED,
    reuse: 'either',
  })),
  {
    name: 'REFUSED_STREAM behind a head is no promise that nothing was done',
    request: () => post(),
    origin: (id) => [ok(id), rst(id, CODE.refusedStream)],
    expect: CLOSED,
    reuse: 'either',
  },
  {
    name: 'behind an informational head: the answer has begun',
    request: () => ({}),
    warm: true,
    origin: (id) => [headers(id, [[':status', '103']]), rst(id, CODE.internalError)],
    expect: CLOSED,
    reuse: true,
  },
]);

promises('RST_STREAM on a connection that was used before (rule 1)', [
  {
    name: 'ends a POST, which is sent once',
    warm: true,
    request: () => post(),
    origin: (id) => rst(id, CODE.internalError),
    expect: CLOSED,
    reuse: true,
  },
]);

promises('REFUSED_STREAM (§8.7)', [
  ...Object.entries({ ...REQUESTS, 'a POST with a stream': () => streamed('a ', 'body') }).map(
    ([what, request]): H2Case => ({
      name: `${what} is ${what.includes('stream') ? 'an error: its body is gone' : 'sent again'}`,
      request,
      origin: (id) => rst(id, CODE.refusedStream),
      expect: what.includes('stream') ? CLOSED : NEXT,
      sends: what.includes('stream') ? 1 : 2,
      reuse: 'either',
    }),
  ),
  {
    name: 'is said before the body of a POST was taken',
    request: () => post(Buffer.alloc(1_048_576)),
    atHead: true,
    origin: (id) => rst(id, CODE.refusedStream),
    expect: NEXT,
    sends: 2,
    reuse: 'either',
  },
]);

promises('GOAWAY (§6.8)', [
  ...Object.entries(REQUESTS).map(([what, request]): H2Case => ({
    name: `below the stream of ${what}: it is sent again, on another connection`,
    request,
    origin: () => goaway(0, CODE.noError),
    expect: NEXT,
    sends: 2,
    reuse: false,
  })),
  {
    name: 'with an error code, below the stream of a POST: the same',
    request: () => post(),
    origin: () => goaway(0, CODE.enhanceYourCalm, 'too many of you'),
    expect: NEXT,
    sends: 2,
    reuse: false,
  },
  {
    name: 'below a POST whose stream was read: an error, and nothing is sent twice',
    request: () => streamed('a ', 'body'),
    origin: () => goaway(0, CODE.noError),
    expect: CLOSED,
    reuse: false,
  },
  {
    name: 'at the stream: its answer still comes, and the next call goes elsewhere',
    request: () => post(),
    origin: (id) => [goaway(id, CODE.noError), whole(id, 'hello')],
    expect: { body: 'hello' },
    reuse: false,
  },
  {
    name: 'that takes back what one before it said ends the connection',
    origin: (id) => [goaway(id, CODE.noError), goaway(LAST_ID, CODE.noError), whole(id, 'hello')],
    expect: { error: 'HOTARU_PROTOCOL_ERROR', words: /takes back/ },
    reuse: false,
    goaway: CODE.protocolError,
  },
  {
    name: 'the graceful one, then the real one (two frames)',
    origin: (id) => [goaway(LAST_ID, CODE.noError), goaway(id, CODE.noError), whole(id, 'hello')],
    expect: { body: 'hello' },
    reuse: false,
  },
  {
    name: 'twice, the second below the stream',
    request: () => post(),
    origin: (id) => [goaway(id, CODE.noError), goaway(0, CODE.noError)],
    expect: NEXT,
    sends: 2,
    reuse: false,
  },
  {
    name: 'behind the answer',
    origin: (id) => [whole(id, 'hello'), goaway(id, CODE.noError)],
    expect: { body: 'hello' },
    reuse: false,
  },
  {
    name: 'in the middle of the body: the rest comes',
    origin: (id) => [
      ok(id),
      data(id, 'hel'),
      goaway(id, CODE.noError),
      data(id, 'lo', { end: true }),
    ],
    expect: { body: 'hello' },
    reuse: false,
  },
  {
    name: 'below a stream whose head has come: an error, not a second request',
    request: () => post(),
    origin: (id) => [ok(id), data(id, 'hel'), goaway(0, CODE.internalError)],
    expect: CLOSED,
    reuse: false,
  },
  {
    name: 'with an error code, then FIN: the error says it',
    request: () => post(),
    origin: {
      script: async (peer, { streamId }) => {
        await peer.send(goaway(streamId, CODE.enhanceYourCalm, 'too many of you'));
        peer.socket.end();
      },
    },
    expect: closed(/ENHANCE_YOUR_CALM|too many of you/),
    reuse: false,
  },
  {
    name: 'below the stream, then FIN',
    request: () => post(),
    origin: {
      script: async (peer) => {
        await peer.send(goaway(0, CODE.noError));
        peer.socket.end();
      },
    },
    expect: NEXT,
    sends: 2,
    reuse: false,
  },
  {
    name: 'below the stream, then RST of the socket, read before',
    request: () => post(),
    origin: { script: (peer) => peer.socket.resetAfter(goaway(0, CODE.noError), 17) },
    expect: NEXT,
    sends: 2,
    reuse: false,
  },
]);

/** What came of an answer before the connection was cut. */
const CUTS: Record<string, (id: number) => Buffer> = {
  'before the answer': () => Buffer.alloc(0),
  'in the head of a frame': (id) => ok(id).subarray(0, 4),
  'in a HEADERS frame': (id) => ok(id, [['x', 'y']]).subarray(0, 12),
  'between HEADERS and CONTINUATION': (id) => ok(id, [], { endHeaders: false }),
  'behind the head': (id) => ok(id, [['content-length', '5']]),
  'behind an informational head': (id) => headers(id, [[':status', '103']]),
  'in a DATA frame': (id) => Buffer.concat([ok(id), data(id, 'hello').subarray(0, 11)]),
  'between two DATA frames': (id) => Buffer.concat([ok(id), data(id, 'hel')]),
  'before the end that no length tells': (id) => Buffer.concat([ok(id), data(id, 'hello')]),
  'before END_STREAM, all announced bytes there': (id) =>
    Buffer.concat([ok(id, [['content-length', '5']]), data(id, 'hello')]),
};

for (const how of ['FIN', 'RST'] as const)
  promises(
    `a connection that is cut by ${how}`,
    Object.entries(CUTS).flatMap(([when, bytesOf]) =>
      Object.entries(REQUESTS).map(([what, request]): H2Case => ({
        name: `${when} ends ${what}, which is sent once`,
        request,
        origin: {
          script: async (peer, { streamId }) => {
            const bytes = bytesOf(streamId);
            if (how === 'RST') return peer.socket.resetAfter(bytes, bytes.length);
            if (bytes.length > 0) await peer.send(bytes);
            peer.socket.end();
          },
        },
        expect: CLOSED,
        reuse: false,
      })),
    ),
  );

promises('a connection that was used before, and is cut before the answer (rule 1)', [
  ...(['end', 'reset'] as const).flatMap((how) => [
    {
      name: `a GET is sent again, on a new one (${how})`,
      warm: true,
      origin: { script: (peer) => peer.socket[how]() },
      expect: NEXT,
      sends: 2,
      reuse: false,
    } satisfies H2Case,
    {
      name: `a POST is not (${how})`,
      warm: true,
      request: () => post(),
      origin: { script: (peer) => peer.socket[how]() },
      expect: CLOSED,
      reuse: false,
    } satisfies H2Case,
  ]),
]);

describe('an origin that refuses for ever', () => {
  it.each(Object.entries(REQUESTS))(
    'ends %s with an error, after few sends',
    async (_, request) => {
      await using origin = await H2Origin.start();
      origin.onConnection(async (peer) => {
        for await (const { streamId } of peer.incoming())
          await peer.send(rst(streamId, CODE.refusedStream));
      });
      const pool = new ConnectionPool(H2);
      const outcome = await attempt(pool, origin.url, request(), { timeout: HANG_GUARD_MS });
      pool.close();
      expect(outcome).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
      expect((outcome as { error: HotaruClientError }).error.retrySafe).toBe(true);
      expect(origin.requests.length).toBeLessThanOrEqual(10);
    },
  );

  it('by GOAWAY, too', async () => {
    await using origin = await H2Origin.start();
    origin.onConnection(async (peer) => {
      await peer.readHead();
      await peer.send(goaway(0, CODE.noError));
    });
    const pool = new ConnectionPool(H2);
    const outcome = await attempt(pool, origin.url, post(), { timeout: HANG_GUARD_MS });
    pool.close();
    expect(outcome).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
    expect(origin.requests.length).toBeLessThanOrEqual(10);
  });
});

describe('a connection with many streams', () => {
  /** Ten calls under way on one connection. */
  async function ten() {
    const origin = await H2Origin.start();
    origin.script([async (peer) => peer.until(() => false, 'for ever'), answering(NEXT_BODY)]);
    const pool = new ConnectionPool(H2);
    const calls = Array.from({ length: 10 }, (_, i) =>
      attempt(pool, origin.url, i % 2 === 0 ? { path: `/${i}` } : { path: `/${i}`, ...post() }, {
        timeout: HANG_GUARD_MS,
      }),
    );
    await origin.waitForRequests(10);
    expect(origin.accepted).toBe(1);
    const dispose = async () => {
      pool.close();
      await origin.close();
    };
    return { origin, pool, calls, peer: origin.connections[0]!, [Symbol.asyncDispose]: dispose };
  }

  it.each(['end', 'reset'] as const)(
    'settles every one at once when it is cut (%s): GETs elsewhere, POSTs with an error',
    async (how) => {
      await using all = await ten();
      all.peer.socket[how]();
      const outcomes = await Promise.all(all.calls);
      outcomes.forEach((outcome, i) => {
        if (i % 2 === 1) expect(outcome).toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
        else if ('error' in outcome) expect(outcome.code).toBe('HOTARU_CONNECTION_CLOSED');
        else expect(outcome.body).toBe(NEXT_BODY);
      });
      const posts = all.origin.requests.filter(({ method }) => method === 'POST');
      expect(posts).toHaveLength(5);
      expect(all.pool.stats()).toMatchObject({ active: 0, waiting: 0 });
    },
  );

  it('sends those above a GOAWAY again, and those below it get their answers', async () => {
    await using all = await ten();
    const [, , , fourth] = all.peer.requests;
    await all.peer.send(goaway(fourth!.streamId, CODE.noError));
    for (const request of all.peer.requests.slice(0, 4))
      await all.peer.respond(request, 200, [], 'from the first');
    const outcomes = await Promise.all(all.calls);
    expect(outcomes.map((outcome) => ('body' in outcome ? outcome.body : outcome.error))).toEqual([
      ...Array<string>(4).fill('from the first'),
      ...Array<string>(6).fill(NEXT_BODY),
    ]);
    expect(all.origin.requests).toHaveLength(16);
    expect(all.origin.accepted).toBe(2);
  });

  it('loses one of them to a RST_STREAM, and none besides', async () => {
    await using all = await ten();
    const [first, ...others] = all.peer.requests;
    await all.peer.send(rst(first!.streamId, CODE.internalError));
    for (const request of others) await all.peer.respond(request, 200, [], 'fine');
    const outcomes = await Promise.all(all.calls);
    expect(outcomes.filter((outcome) => 'error' in outcome)).toHaveLength(1);
    expect(all.origin.accepted).toBe(1);
  });

  it('ends all of them when one breaks the rules of the connection', async () => {
    await using all = await ten();
    await all.peer.send(data(0, 'for nobody'));
    for (const outcome of await Promise.all(all.calls))
      expect(outcome).toMatchObject({ code: 'HOTARU_PROTOCOL_ERROR' });
    expect(all.origin.requests).toHaveLength(10);
  });
});

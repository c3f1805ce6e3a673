/**
 * 1xx responses (docs/rules.md, rule 4; RFC 9110 §15.2, §10.1.1): they precede the answer and never are it. An
 * unasked 101 would hand the connection to another protocol.
 */
import { ConnectionPool } from '@hotaru/client';
import { ScriptedUpstream, turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { configOf, PROTOCOLS, startUpstream } from '../support/protocols.js';
import {
  answering,
  attempt,
  chunked,
  CLOSED,
  codeOf,
  HANG_GUARD_MS,
  promises,
  PROTOCOL,
  thenFin,
  thenReset,
  whole,
  type HostileCase,
} from './support.js';

const HELLO = { body: 'hello', reuse: true } as const;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';

promises('responses before the response', [
  ...(
    [
      ['an unasked 100', CONTINUE],
      ['a 102', 'HTTP/1.1 102 Processing\r\n\r\n'],
      ['a 103 with fields', HINTS],
      ['a 104, not known yet', 'HTTP/1.1 104 Upload Resumption\r\nX-A: b\r\n\r\n'],
      ['a 199', 'HTTP/1.1 199 Odd\r\n\r\n'],
      ['a 100 without a phrase', 'HTTP/1.1 100 \r\n\r\n'],
      ['a 100 without phrase or blank', 'HTTP/1.1 100\r\n\r\n'],
      ['a 100 by HTTP/1.0', 'HTTP/1.0 100 Continue\r\n\r\n'],
      ['three kinds of them', CONTINUE + HINTS + 'HTTP/1.1 102 Processing\r\n\r\n'],
      ['ten 103s', HINTS.repeat(10)],
      ['a 100 with an empty line too many, as aiohttp writes it,', `${CONTINUE}\r\n`],
      ['two of them with an empty line too many', `${CONTINUE}\r\n${HINTS}\r\n`],
    ] as const
  ).flatMap(([what, before]): HostileCase[] => [
    {
      name: `${what} in the segment of the answer is not the answer`,
      origin: before + whole('hello'),
      expect: { ...HELLO, headers: { link: undefined, 'x-a': undefined } },
    },
    {
      name: `${what} in a segment of its own is not the answer`,
      origin: async (peer) => {
        await peer.sendUnsolicited(before);
        await peer.write(whole('hello'));
      },
      expect: HELLO,
    },
  ]),
  {
    name: 'a 103 before a chunked answer does not change its framing',
    origin: HINTS + chunked('5\r\nhello\r\n0\r\n\r\n'),
    expect: HELLO,
  },
  ...['Content-Length: 5', 'Transfer-Encoding: chunked'].map((field): HostileCase => ({
    name: `a 100 with ${field} has no body all the same`,
    origin: `HTTP/1.1 100 Continue\r\n${field}\r\n\r\n${whole('hello')}`,
    expect: { anyOf: [{ body: 'hello', reuse: 'either' }, PROTOCOL] },
  })),
  {
    name: 'a 100 with Connection: close does not close before the answer',
    origin: `HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n${whole('hello')}`,
    expect: { body: 'hello', reuse: 'either' },
  },
  {
    name: 'a 100 before the answer to a HEAD is skipped',
    request: { method: 'HEAD' },
    origin: CONTINUE + whole('').replace('Length: 0', 'Length: 5'),
    expect: { body: '', reuse: true },
  },
  {
    name: 'a 100 before the answer to a POST that did not ask for it is skipped',
    request: { method: 'POST', body: 'data' },
    origin: CONTINUE + whole('hello'),
    expect: HELLO,
  },
  {
    name: 'an unasked 101 is an error: no other protocol is supported',
    origin: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    expect: PROTOCOL,
  },
  {
    name: 'an unasked 101 followed by an answer is an error too',
    origin: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n${whole('hello')}`,
    expect: PROTOCOL,
  },
  {
    name: 'a 101 without Upgrade is an error',
    origin: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    expect: PROTOCOL,
  },
  {
    name: 'a 101 after a 100 is an error',
    origin: `${CONTINUE}HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n`,
    expect: PROTOCOL,
  },
  {
    name: 'a malformed head of a 1xx is an error',
    origin: `HTTP/1.1 103 Early Hints\r\nLink : x\r\n\r\n${whole('hello')}`,
    expect: PROTOCOL,
  },
  {
    name: 'a 100 with two empty lines too many is refused',
    origin: `${CONTINUE}\r\n\r\n${whole('hello')}`,
    expect: PROTOCOL,
  },
  {
    name: 'a 100 and a CR that belongs to nothing is refused',
    origin: `${CONTINUE}\r${whole('hello')}`,
    expect: PROTOCOL,
  },
  {
    name: 'an empty line before an answer that no 1xx precedes is refused',
    origin: `\r\n${whole('hello')}`,
    expect: PROTOCOL,
  },
  { name: 'a 100 and then FIN is no answer', origin: thenFin(CONTINUE), expect: CLOSED },
  { name: 'a 100 and then RST is no answer', origin: thenReset(CONTINUE), expect: CLOSED },
  {
    name: 'a 103 cut in its head is no answer',
    origin: thenFin(HINTS.slice(0, -2)),
    expect: CLOSED,
  },
  {
    name: 'a thousand 103s are too many',
    origin: (peer) => peer.write(HINTS.repeat(1_000) + whole('hello')).catch(() => undefined),
    expect: PROTOCOL,
  },
]);

describe.each(PROTOCOLS)('the hook for 1xx, over %s', (protocol) => {
  const hinting = async () => {
    const upstream = await startUpstream(protocol);
    upstream.onConnection(async (peer) => {
      for await (const request of peer.incoming()) {
        await peer.write(HINTS + CONTINUE);
        await peer.respond(200, { 'x-answers': request.target });
      }
    });
    return upstream;
  };

  it('gets each status with its fields, before the answer', async () => {
    await using upstream = await hinting();
    const pool = new ConnectionPool(configOf(protocol));
    const seen: unknown[] = [];
    const response = await pool.sendRequest(
      upstream.url,
      {},
      { onInformational: (status, headers) => seen.push([status, headers.get('link')]) },
    );
    expect(seen).toEqual([
      [103, '</a.css>; rel=preload'],
      [100, undefined],
    ]);
    await response.text();
    pool.close();
  });

  it('that throws ends its call at most, and never the process or another call', async () => {
    await using upstream = await hinting();
    const pool = new ConnectionPool(configOf(protocol));
    const bug = new Error('a bug of the caller');
    const outcome = await attempt(
      pool,
      upstream.url,
      {},
      {
        timeout: HANG_GUARD_MS,
        onInformational: () => {
          throw bug;
        },
      },
    );
    if ('error' in outcome) {
      const { error } = outcome as { error: Error };
      expect(error === bug || error.cause === bug).toBe(true);
    } else expect(outcome).toMatchObject({ status: 200 });
    const next = await attempt(pool, upstream.url, { path: '/own' }, { timeout: HANG_GUARD_MS });
    expect(next).toMatchObject({ headers: { 'x-answers': '/own' } });
    pool.close();
  });
});

describe('Expect: 100-continue', () => {
  const upload = { method: 'POST', headers: { expect: '100-continue' }, body: 'the body' };
  const options = { timeout: HANG_GUARD_MS };

  it('holds the body back until the 100', async () => {
    await using upstream = await ScriptedUpstream.start();
    let bytesBefore: number | undefined;
    let headBytes: number | undefined;
    upstream.onConnection(async (peer) => {
      const request = await peer.readHead();
      await peer.sendUnsolicited('');
      bytesBefore = peer.bytesReceived;
      headBytes = request.rawHead.length;
      await peer.write(CONTINUE);
      await peer.readBody();
      await peer.respond(200, {}, request.text());
    });
    const pool = new ConnectionPool();
    expect(await attempt(pool, upstream.url, upload, options)).toMatchObject({ body: 'the body' });
    expect(bytesBefore).toBe(headBytes);
    pool.close();
  });

  it('sends nothing of the body when the answer comes instead, and does not reuse', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script([
      async (peer) => {
        await peer.readHead();
        await peer.respond(417, {}, 'no');
        await peer.waitForClose();
      },
      answering,
    ]);
    const pool = new ConnectionPool();
    const outcome = await attempt(pool, upstream.url, upload, options);
    expect(outcome).toMatchObject({ status: 417, body: 'no' });
    await upstream.waitForOpen(0);
    expect(upstream.connections[0]?.bytesReceived).toBe(upstream.requests[0]?.rawHead.length);
    expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ status: 200 });
    expect(upstream.accepted).toBe(2);
    pool.close();
  });

  it('is not taken for sent because a large head has left: the body that is owed is no request', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script([
      async (peer) => {
        await peer.readHead();
        await peer.respond(417, {}, 'no');
        await peer.waitForClose();
      },
      answering,
    ]);
    const pool = new ConnectionPool();
    const large = { ...upload, headers: { ...upload.headers, 'x-large': 'x'.repeat(40_000) } };
    expect(await attempt(pool, upstream.url, large, options)).toMatchObject({ status: 417 });
    expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ status: 200 });
    expect(upstream.accepted).toBe(2);
    pool.close();
  });

  it('takes a 103 for a hint, not for the 100', async () => {
    await using upstream = await ScriptedUpstream.start();
    let early = false;
    upstream.onConnection(async (peer) => {
      const request = await peer.readHead();
      await peer.sendUnsolicited(HINTS);
      early = peer.bytesReceived > request.rawHead.length;
      await peer.write(CONTINUE);
      await peer.readBody();
      await peer.respond(200, {}, request.text());
    });
    const pool = new ConnectionPool();
    expect(await attempt(pool, upstream.url, upload, options)).toMatchObject({ body: 'the body' });
    expect(early).toBe(false);
    pool.close();
  });

  it('sends the body when the 100 comes with an empty line too many, byte by byte', async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.onConnection(async (peer) => {
      await peer.readHead();
      await peer.drip(`${CONTINUE}\r\n`);
      const request = await peer.readBody();
      await peer.drip(whole(request.text()));
      await answering(peer);
    });
    const pool = new ConnectionPool();
    expect(await attempt(pool, upstream.url, upload, options)).toMatchObject({ body: 'the body' });
    expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ status: 200 });
    expect(upstream.accepted).toBe(1);
    pool.close();
  });
});

describe.each(PROTOCOLS)('Expect: 100-continue, over %s', (protocol) => {
  const upload = { method: 'POST', headers: { expect: '100-continue' }, body: 'the body' };
  const options = { timeout: HANG_GUARD_MS };

  it('has nothing of the body written before the 100, and all of it after', async () => {
    await using upstream = await startUpstream(protocol);
    let bytesBefore = -1;
    upstream.onConnection(async (peer) => {
      const head = await peer.readHead();
      await peer.write(HINTS);
      for (let turns = 0; turns < 5; turns += 1) await turn();
      bytesBefore = head.body.length;
      expect(head.complete).toBe(false);
      await peer.write(CONTINUE);
      const request = await peer.readBody();
      await peer.respond(200, {}, request.text());
    });
    const pool = new ConnectionPool(configOf(protocol));
    expect(await attempt(pool, upstream.url, upload, options)).toMatchObject({ body: 'the body' });
    expect(bytesBefore).toBe(0);
    pool.close();
  });

  it('has nothing of the body written when the answer comes instead', async () => {
    await using upstream = await startUpstream(protocol);
    upstream.script([
      async (peer) => {
        await peer.readHead();
        await peer.respond(417, {}, 'no');
        await peer.waitForClose();
      },
      answering,
    ]);
    const pool = new ConnectionPool(configOf(protocol));
    const outcome = await attempt(pool, upstream.url, upload, options);
    expect(outcome).toMatchObject({ status: 417, body: 'no' });
    await upstream.waitForOpen(0);
    expect(upstream.requests[0]?.body.length).toBe(0);
    expect(await attempt(pool, upstream.url, {}, options)).toMatchObject({ status: 200 });
    expect(upstream.accepted).toBe(2);
    pool.close();
  });

  it('sends the body unasked when no 100 comes', async () => {
    await using upstream = await startUpstream(protocol);
    upstream.onConnection(async (peer) => {
      await peer.respond(200, {}, (await peer.readRequest()).text());
    });
    const pool = new ConnectionPool(configOf(protocol));
    const outcome = await attempt(pool, upstream.url, upload, { timeout: 5_000 });
    expect(outcome).toMatchObject({ body: 'the body' });
    pool.close();
  });

  it('fails when the origin closes instead of continuing', async () => {
    await using upstream = await startUpstream(protocol);
    upstream.onConnection(async (peer) => {
      await peer.readHead();
      peer.end();
    });
    const pool = new ConnectionPool(configOf(protocol));
    const outcome = await attempt(pool, upstream.url, upload, options);
    expect(codeOf(outcome)).toBe('HOTARU_CONNECTION_CLOSED');
    pool.close();
  });

  it('lets the deadline end the wait for the 100', async () => {
    await using upstream = await startUpstream(protocol);
    const pool = new ConnectionPool(configOf(protocol));
    const outcome = await attempt(pool, upstream.url, upload, { timeout: 50 });
    expect(codeOf(outcome)).toBe('HOTARU_DEADLINE_EXCEEDED');
    pool.close();
  });
});

/** What the rules of RFC 9113 say of more than one frame: windows, tables that stay in step, answers to the frames of a connection. */
import { describe, expect, it } from 'vitest';
import {
  CODE,
  continuation,
  data,
  FRAME,
  frame,
  goaway,
  headers,
  ping,
  rst,
  SETTING,
  settings,
  settingsOf,
  split,
  windowUpdate,
} from '../../client/test/support/h2/frames.js';
import { encodeFields, indexed, literal, type Field } from '../../client/test/support/h2/hpack.js';
import { ClientConversation } from './support/client-conversation.js';
import { get, post } from './support/http2-rules/heads.js';
import { ServerConversation } from './support/server-conversation.js';

/** HPACK with incremental indexing, which the encoder of tests does not use. */
const indexing = (name: string, value: string) => {
  const bytes = literal(name, value);
  bytes[0] = 0x40;
  return bytes;
};
const FIRST_DYNAMIC = indexed(62);

describe('sending within the windows of the peer (§5.2, §6.9)', () => {
  it('sends what the window of a stream allows, byte by byte', () => {
    const peer = ServerConversation.begun();
    peer.send(settings([SETTING.initialWindowSize, 1]), headers(1, get('/size/3'), { end: true }));
    const lengths = () => peer.of(FRAME.data, 1).map(({ payload }) => payload.length);
    expect(lengths()).toEqual([1]);
    peer.send(windowUpdate(1, 1));
    expect(lengths()).toEqual([1, 1]);
    peer.send(windowUpdate(0, 99));
    expect(lengths()).toEqual([1, 1]);
    peer.send(settings([SETTING.initialWindowSize, 2])); // one more for each stream
    expect(lengths()).toEqual([1, 1, 1]);
    expect(peer.bodyOf(1)).toHaveLength(3);
  });

  it('sends what the window of the connection allows, to all streams together', () => {
    const peer = ServerConversation.begun();
    peer.send(
      headers(1, get('/size/50000'), { end: true }),
      headers(3, get('/size/50000'), { end: true }),
    );
    const sent = () => peer.of(FRAME.data).reduce((sum, { payload }) => sum + payload.length, 0);
    expect(sent()).toBe(65_535);
    peer.send(windowUpdate(0, 1_000));
    expect(sent()).toBe(66_535);
    peer.send(windowUpdate(0, 50_000));
    expect(peer.bodyOf(1)).toHaveLength(50_000);
    expect(peer.bodyOf(3)).toHaveLength(50_000);
  });

  it('sends frames no longer than the peer takes, and longer ones when it takes them', () => {
    const peer = ServerConversation.begun();
    peer.send(headers(1, get('/size/40000'), { end: true }));
    expect(Math.max(...peer.of(FRAME.data).map(({ payload }) => payload.length))).toBe(16_384);
    const large = ServerConversation.begun();
    large.send(
      settings([SETTING.maxFrameSize, 20_000]),
      headers(1, get('/size/40000'), { end: true }),
    );
    const [longest] = large.of(FRAME.data).map(({ payload }) => payload.length);
    expect(longest).toBeGreaterThanOrEqual(16_384);
    expect(longest).toBeLessThanOrEqual(20_000);
  });

  it('an empty DATA frame that ends the stream needs no window', () => {
    const peer = ServerConversation.begun();
    peer.send(settings([SETTING.initialWindowSize, 0]), headers(1, post('/echo')));
    peer.send(data(1, '', { end: true }));
    expect(peer.bodyOf(1)).toBe('');
  });
});

describe('credit for the peer (§6.9)', () => {
  it('comes back for what was taken, padding too: an upload of many windows goes through', () => {
    const peer = ServerConversation.begun({ connectionWindowBytes: 65_535 });
    peer.send(headers(1, post()));
    let streamWindow = 65_535;
    let connectionWindow = 65_535;
    let sent = 0;
    for (let i = 0; i < 400; i += 1) {
      const before = peer.frames.length;
      peer.send(data(1, Buffer.alloc(1_000), { padding: 99 }));
      sent += 1_000;
      streamWindow -= 1_100;
      connectionWindow -= 1_100;
      for (const { type, streamId, payload } of peer.frames.slice(before)) {
        if (type !== FRAME.windowUpdate) continue;
        if (streamId === 0) connectionWindow += payload.readUInt32BE(0);
        else streamWindow += payload.readUInt32BE(0);
      }
      expect(streamWindow).toBeGreaterThanOrEqual(1_100);
      expect(connectionWindow).toBeGreaterThanOrEqual(1_100);
    }
    peer.send(data(1, '', { end: true }));
    expect(peer.seen[0]).toMatchObject({ bodyBytes: sent, outcome: 'whole' });
    expect(peer.statusOf(1)).toBe('200');
  });

  it('is held back while the peer does not read its answer, and others are served', () => {
    const peer = ServerConversation.begun();
    peer.send(settings([SETTING.initialWindowSize, 0]), headers(1, post('/echo')));
    for (let i = 0; i < 6; i += 1) peer.send(data(1, Buffer.alloc(10_000)));
    expect(peer.of(FRAME.windowUpdate, 1)).toEqual([]);
    peer.send(data(1, Buffer.alloc(10_000))); // one window and no more
    expect(peer.resetsOf(1)).toEqual(['flowControlError']);
    peer.send(settings([SETTING.initialWindowSize, 65_535]));
    expect(peer.lives()).toBe(true);
  });

  it('of DATA for a stream that was reset goes back to the connection', () => {
    const client = ClientConversation.begun({ connectionWindowBytes: 65_535 });
    client.asked.get(1)?.stream?.reset(CODE.cancel);
    let connectionWindow = 65_535;
    for (let i = 0; i < 40; i += 1) {
      const before = client.frames.length;
      client.send(i === 0 ? headers(1, [[':status', '200']]) : data(1, Buffer.alloc(10_000)));
      if (i > 0) connectionWindow -= 10_000;
      for (const { type, streamId, payload } of client.frames.slice(before))
        if (type === FRAME.windowUpdate && streamId === 0)
          connectionWindow += payload.readUInt32BE(0);
      expect(connectionWindow).toBeGreaterThanOrEqual(10_000);
      if (i === 4) break; // within the stream's own window, as a peer that has not heard of the reset
    }
    expect(client.error).toBeUndefined();
    expect(client.lives()).toBe(true);
  });
});

describe('header tables stay in step (§4.3)', () => {
  const tail = encodeFields(get().slice(1));
  const first = Buffer.concat([encodeFields([[':method', 'GET']]), tail]);

  it('with the head of a stream that is refused', () => {
    const peer = ServerConversation.begun({ maxConcurrentStreams: 1 });
    peer.send(headers(1, post()));
    peer.send(headers(3, Buffer.concat([first, indexing('x-kept', 'yes')]), { end: true }));
    expect(peer.resetsOf(3)).toEqual(['refusedStream']);
    peer.send(data(1, '', { end: true }));
    peer.send(headers(5, Buffer.concat([first, FIRST_DYNAMIC]), { end: true }));
    expect(peer.seen.at(-1)?.fields).toContainEqual(['x-kept', 'yes']);
  });

  it('with a head that is malformed, and with one that is too large', () => {
    const peer = ServerConversation.begun();
    peer.send(
      headers(1, Buffer.concat([first, encodeFields([['X-Bad', '1']]), indexing('x-a', '1')]), {
        end: true,
      }),
    );
    expect(peer.resetsOf(1)).toEqual(['protocolError']);
    const large = Array.from({ length: 20 }, (_, i): Field => [`x-${i}`, 'v'.repeat(1_000)]);
    const block = Buffer.concat([first, encodeFields(large), indexing('x-b', '2')]);
    peer.send(split(3, block, 16_000, true));
    expect(peer.seen).toEqual([]);
    expect([...peer.resetsOf(3), peer.statusOf(3)].filter(Boolean)).not.toEqual([]);
    peer.send(headers(5, Buffer.concat([first, FIRST_DYNAMIC, indexed(63)]), { end: true }));
    expect(peer.seen.at(-1)?.fields.slice(-2)).toEqual([
      ['x-b', '2'],
      ['x-a', '1'],
    ]);
  });

  it('with the head of an answer to a request that was given up', () => {
    const client = ClientConversation.begun();
    client.asked.get(1)?.stream?.reset(CODE.cancel);
    client.send(
      headers(1, Buffer.concat([Buffer.from([0x88]), indexing('x-kept', 'yes')]), { end: true }),
    );
    client.send(headers(3, Buffer.concat([Buffer.from([0x88]), FIRST_DYNAMIC]), { end: true }));
    expect(client.asked.get(3)).toMatchObject({ outcome: 'whole', fields: [['x-kept', 'yes']] });
  });
});

describe('frames of the connection', () => {
  it('§6.7: PING is answered with what it carried, in either role', () => {
    for (const peer of [ServerConversation.begun(), ClientConversation.begun()]) {
      peer.send(ping('12345678'), ping('abcdefgh'));
      expect(peer.of(FRAME.ping).map(({ flags, payload }) => [flags, payload.toString()])).toEqual([
        [1, '12345678'],
        [1, 'abcdefgh'],
      ]);
    }
  });

  it('§6.5.2: a client refuses pushes, and a server offers the limits that it keeps to', () => {
    const offered = (peer: { frames: readonly Parameters<typeof settingsOf>[0][] }) =>
      new Map(peer.frames.filter(({ type }) => type === FRAME.settings).flatMap(settingsOf));
    expect(offered(new ClientConversation()).get(SETTING.enablePush)).toBe(0);
    const server = offered(new ServerConversation());
    expect(server.get(SETTING.maxConcurrentStreams)).toBe(10);
    expect(server.get(SETTING.maxHeaderListSize)).toBe(16_384);
    expect(server.get(SETTING.enablePush)).not.toBe(1);
  });

  it('§6.8: GOAWAY fails what the server has not seen, and says that it may be sent again', () => {
    const client = ClientConversation.begun();
    client.send(goaway(1, CODE.noError, 'restarting'));
    expect(client.asked.get(3)).toMatchObject({ outcome: 'failed', isUnprocessed: true });
    expect(client.codec.isLeaving).toBe(true);
    client.send(headers(1, [[':status', '200']], { end: true }));
    expect(client.asked.get(1)).toMatchObject({ outcome: 'whole', status: 200 });
  });

  it('§8.7: REFUSED_STREAM says that a request may be sent again, other codes do not', () => {
    const client = ClientConversation.begun();
    client.send(rst(1, CODE.refusedStream), rst(3, CODE.internalError));
    expect(client.asked.get(1)).toMatchObject({ outcome: 'failed', isUnprocessed: true });
    expect(client.asked.get(3)).toMatchObject({ outcome: 'failed', isUnprocessed: false });
    expect(client.lives()).toBe(true);
  });

  it('§8.1: RST_STREAM with NO_ERROR behind a whole answer stops our body, and fails nothing', () => {
    const client = ClientConversation.begun();
    client.send(headers(3, [[':status', '413']], { end: true }), rst(3, CODE.noError));
    expect(client.asked.get(3)).toMatchObject({ outcome: 'whole', status: 413, hasStopped: true });
  });

  it('§5.4.1: nothing is taken behind an error of the connection', () => {
    const peer = ServerConversation.begun();
    peer.send(headers(1, post()));
    peer.send(frame(FRAME.data, 0, 0, 'x'), headers(3, get(), { end: true }));
    expect(peer.goaways).toEqual(['protocolError']);
    expect(peer.seen).toHaveLength(1);
    expect(peer.seen[0]?.outcome).toBe('failed');
    expect(peer.of(FRAME.goaway)[0]?.payload.readUInt32BE(0)).toBe(1); // the last stream it acted on
  });
});

describe('fields (§8.2)', () => {
  it('§8.2.3: cookies that came apart are one field', () => {
    const peer = ServerConversation.begun();
    peer.send(
      headers(1, [...get(), ['cookie', 'a=1'], ['x-b', '2'], ['cookie', 'c=3']], { end: true }),
    );
    const cookies = peer.seen[0]?.fields.filter(([name]) => name === 'cookie');
    expect(cookies).toEqual([['cookie', 'a=1; c=3']]);
  });

  it('§8.1: trailers come behind the body, apart from the fields of the head', () => {
    const peer = ServerConversation.begun();
    const trailers = encodeFields([
      ['x-sum', '1'],
      ['x-more', '2'],
    ]);
    peer.send(headers(1, post()), data(1, 'abc'));
    peer.send(headers(1, trailers.subarray(0, 3), { end: true, endHeaders: false }));
    peer.send(continuation(1, trailers.subarray(3), true));
    expect(peer.seen[0]).toMatchObject({
      outcome: 'whole',
      bodyBytes: 3,
      trailers: [
        ['x-sum', '1'],
        ['x-more', '2'],
      ],
    });
  });
});

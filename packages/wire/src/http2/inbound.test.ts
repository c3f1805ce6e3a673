/** The rules for frames of a connection: RFC 9113 §3.4, §4, §5.1.1, §6. */
import { describe, expect, it } from 'vitest';
import {
  ACK,
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  goaway,
  headers,
  Lone,
  number,
  OK,
  padded,
  ping,
  PREFACE,
  PRIORITY,
  REQUEST,
  rst,
  settings,
  SETTINGS_ACK,
  windowUpdate,
} from '../../test/support/frames.js';
import { WireError } from '../wire-error.js';

const NONE = Buffer.alloc(0);

function thrownBy(lone: Lone, bytes: Buffer): WireError {
  try {
    lone.feed(bytes);
  } catch (error) {
    if (error instanceof WireError) return error;
  }
  throw new Error('no error');
}

describe('the beginning of a connection (§3.4)', () => {
  it('is a preface, SETTINGS and credit for the connection, from a client', () => {
    const { codec } = new Lone('client', {}, true);
    const bytes = codec.takeOutput()!;
    expect(bytes.toString('latin1', 0, 24)).toBe('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(bytes.toString('hex', 24)).toBe(
      `000018040000000000000100001000000400040000000600010000000200000000` +
        `00000408000000000000ff0001`,
    );
  });

  it('is SETTINGS with the limit of streams, from a server', () => {
    const bytes = new Lone('server', { connectionWindowBytes: 1_000 }, true).codec.takeOutput()!;
    // No credit can be taken back, so a smaller window of the connection is the usual one.
    expect(bytes.toString('hex')).toBe(
      `000018040000000000000100001000000400040000000600010000000300000064`,
    );
  });

  it.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'HTTP/1.1'],
    ['SSH-2.0-OpenSSH', 'SSH'],
    ['\x15\x03\x01\x00\x02\x02\x46\x00\x00', 'TLS'],
    ['hello world', undefined],
    // An acknowledgement of SETTINGS: the peer does speak HTTP/2, and badly.
    ['\0\0\0\x04\x01\0\0\0\0', undefined],
  ])('that is none is told to a client with its first bytes: %j', (text, protocol) => {
    const lone = new Lone('client', {}, true);
    const error = thrownBy(lone, Buffer.from(text, 'latin1'));
    expect(error).toMatchObject({ reason: 'preface', scope: 'connection', protocol });
    expect(error.sent).not.toBe('');
    expect(lone.said().at(-1)).toBe('GOAWAY 0 1');
  });

  it.each([
    ['an acknowledgement', SETTINGS_ACK],
    ['another frame', ping('12345678')],
    ['SETTINGS of a stream', frame(4, 0, 1, NONE)],
  ])('with %s in place of SETTINGS is refused', (_, bytes) => {
    expect(new Lone('client', {}, true).refusal(bytes)).toBe('preface');
    expect(new Lone('server', {}, true).refusal(PREFACE, bytes)).toBe('preface');
  });

  it('of a server is judged byte by byte', () => {
    const lone = new Lone('server', {}, true);
    for (const byte of PREFACE) lone.feed(Buffer.from([byte]));
    lone.feed(settings());
    expect(lone.side.log).toContain('settings Infinity');
    for (let at = 0; at < PREFACE.length; at += 1) {
      const wrong = Buffer.from(PREFACE);
      wrong[at] = 0x20 ^ wrong[at]!;
      expect(new Lone('server', {}, true).refusal(wrong)).toBe('preface');
    }
  });

  it('can be made once', () => {
    const { codec } = new Lone('client');
    expect(() => codec.start()).toThrow('has begun');
  });
});

describe('frames', () => {
  it.each<[string, Buffer, string]>([
    ['DATA on the connection', data(0, 'a'), 'frame-on-stream'],
    ['HEADERS on the connection', headers(0, OK), 'frame-on-stream'],
    ['PRIORITY on the connection', frame(2, 0, 0, Buffer.alloc(5)), 'frame-on-stream'],
    ['RST_STREAM on the connection', rst(0), 'frame-on-stream'],
    ['SETTINGS on a stream', frame(4, 0, 1, NONE), 'frame-on-stream'],
    ['PING on a stream', frame(6, 0, 1, Buffer.alloc(8)), 'frame-on-stream'],
    ['GOAWAY on a stream', frame(7, 0, 1, Buffer.alloc(8)), 'frame-on-stream'],
    ['RST_STREAM of 3 bytes', frame(3, 0, 1, Buffer.alloc(3)), 'frame-size'],
    ['RST_STREAM of 5 bytes', frame(3, 0, 1, Buffer.alloc(5)), 'frame-size'],
    ['PING of 7 bytes', frame(6, 0, 0, Buffer.alloc(7)), 'frame-size'],
    ['WINDOW_UPDATE of 3 bytes', frame(8, 0, 0, Buffer.alloc(3)), 'frame-size'],
    ['GOAWAY of 7 bytes', frame(7, 0, 0, Buffer.alloc(7)), 'frame-size'],
    ['SETTINGS of 5 bytes', frame(4, 0, 0, Buffer.alloc(5)), 'frame-size'],
    ['an acknowledgement with settings', frame(4, ACK, 0, Buffer.alloc(6)), 'frame-size'],
    ['an acknowledgement of nothing', SETTINGS_ACK, 'settings-ack'],
    ['padding beyond a HEADERS frame', frame(1, 0xc, 1, Buffer.from([1])), 'padding'],
    ['a padded HEADERS frame of 0 bytes', frame(1, 0xc, 1, NONE), 'frame-size'],
    ['HEADERS too short for their priority', frame(1, 0x24, 1, Buffer.alloc(4)), 'frame-size'],
    ['a compression error', headers(1, Buffer.from([0x80])), 'hpack-index'],
    ['CONTINUATION of nothing', continuation(1, OK), 'continuation'],
    ['PRIORITY of 4 bytes on an idle stream', frame(2, 0, 9, Buffer.alloc(4)), 'frame-size'],
  ])('that break the connection: %s', (_, bytes, reason) => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.said();
    expect(lone.refusal(bytes)).toBe(reason);
    expect(call.log).toEqual(['failed']);
    const code = new WireError(reason as 'padding', '').http2Code;
    expect(lone.said().at(-1)).toBe(`GOAWAY 0 ${code}`);
    expect(lone.codec.isLeaving).toBe(true);
    // Nothing is taken, and nothing is thrown again.
    lone.feed(bytes);
    expect(() => lone.request()).toThrow('no stream');
  });

  it.each([
    ['another stream', continuation(3, OK)],
    ['PING', ping('12345678')],
    ['a frame of an unknown type', frame(0xaa, 0, 0, NONE)],
    ['DATA of its stream', data(1, 'a')],
    ['HEADERS of its stream', headers(1, OK)],
  ])('in the middle of a header block: %s (§6.10)', (_, bytes) => {
    const lone = new Lone('client');
    lone.request();
    expect(lone.refusal(headers(1, OK, 0), bytes)).toBe('continuation');
  });

  it('of a push are refused in both roles (§8.4)', () => {
    const push = frame(5, END_HEADERS, 1, Buffer.concat([number(2), block(...REQUEST)]));
    const client = new Lone('client');
    client.request();
    expect(client.refusal(push)).toBe('push');
    const server = new Lone('server');
    expect(server.refusal(headers(1, block(...REQUEST)), push)).toBe('push');
  });

  it('without a meaning to us change nothing: PRIORITY, unknown types', () => {
    const lone = new Lone('client');
    const call = lone.request();
    const priority = frame(2, 0, 1, Buffer.alloc(5));
    lone.feed(priority, frame(2, 0, 77, Buffer.alloc(5)), frame(0x77, 0xff, 1, Buffer.alloc(99)));
    const withPriority = Buffer.concat([Buffer.alloc(5, 0xff), OK]);
    lone.feed(headers(1, withPriority, END_HEADERS | END_STREAM | PRIORITY));
    expect(call.log).toEqual(['head 200', 'end']);
  });

  it('PRIORITY of another length resets its stream, of a closed one too (§6.3)', () => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.feed(frame(2, 0, 1, Buffer.alloc(4)));
    expect(call.error).toMatchObject({ reason: 'stream-frame-size' });
    lone.feed(frame(2, 0, 1, Buffer.alloc(4)));
    expect(lone.said().slice(1)).toEqual(['RST_STREAM 1 6', 'RST_STREAM 1 6']);
  });

  it('of a header block may be padded and cut in any way', () => {
    const fields = block(':status: 200', 'a: 1', 'b: 2');
    for (let cut = 0; cut <= fields.length; cut += 1) {
      const lone = new Lone('client');
      const call = lone.request();
      const [first, second] = [fields.subarray(0, cut), fields.subarray(cut)];
      lone.feed(
        padded(1, 1, first, 7, END_STREAM),
        continuation(1, NONE, 0),
        continuation(1, second),
      );
      expect(call.log).toEqual(['head 200', 'end']);
    }
  });
});

describe('stream numbers (§5.1.1)', () => {
  it.each([
    ['DATA', data(3, 'a')],
    ['HEADERS', headers(3, OK)],
    ['RST_STREAM', rst(3)],
    ['WINDOW_UPDATE', windowUpdate(3, 1)],
    ['HEADERS of a server', headers(2, OK)],
    ['DATA of a server', data(2, 'a')],
    ['RST_STREAM of a server', rst(2)],
  ])('that are idle, at a client: %s', (_, bytes) => {
    const lone = new Lone('client');
    lone.request();
    expect(lone.refusal(bytes)).toBe('idle-stream');
  });

  it.each([
    ['DATA', data(7, 'a'), 'idle-stream'],
    ['RST_STREAM', rst(7), 'idle-stream'],
    ['WINDOW_UPDATE', windowUpdate(7, 1), 'idle-stream'],
    ['an even number', headers(6, block(...REQUEST)), 'stream-number'],
    ['DATA of an even number', data(2, 'a'), 'idle-stream'],
    ['a number below the last one', headers(3, block(...REQUEST)), 'stream-number'],
    ['DATA of a number that was passed over', data(3, 'a'), 'stream-number'],
    ['credit for a number that was passed over', windowUpdate(3, 1), 'idle-stream'],
  ])('that a client may not use: %s', (_, bytes, reason) => {
    const lone = new Lone('server');
    lone.feed(headers(5, block(...REQUEST)));
    expect(lone.refusal(bytes)).toBe(reason);
  });

  it('may be passed over, up to the last one', () => {
    const lone = new Lone('server');
    lone.feed(headers(5, block(...REQUEST)), headers(0x7fffffff, block(...REQUEST)));
    expect(lone.side.served.map(({ stream }) => stream.id)).toEqual([5, 0x7fffffff]);
    expect(lone.refusal(headers(7, block(...REQUEST)))).toBe('stream-number');
  });
});

describe('PING (§6.7)', () => {
  it('is answered', () => {
    expect(new Lone('server').feed(ping('12345678')).said()).toEqual(['PING ack 12345678']);
  });

  it('of ours is told when its answer comes, and not when another does', () => {
    const lone = new Lone('client');
    lone.feed(ping('12345678', ACK));
    lone.codec.ping();
    const [said] = lone.said();
    lone.feed(ping('12345678', ACK));
    expect(lone.side.log).not.toContain('pong');
    lone.feed(ping(said!.slice('PING '.length), ACK));
    expect(lone.side.log).toContain('pong');
    lone.side.log.length = 0;
    lone.feed(ping(said!.slice('PING '.length), ACK));
    expect(lone.side.log).toEqual([]);
  });
});

describe('GOAWAY (§6.8)', () => {
  it('fails the streams above it, as unprocessed, before it is told; the others go on', () => {
    const lone = new Lone('client');
    const calls = [lone.request(), lone.request(), lone.request()];
    lone.side.on.goaway = () => {
      expect(calls[1]!.log).toEqual(['failed unprocessed']);
      expect(calls[2]!.error).toMatchObject({ reason: 'goaway', http2Code: 2 });
      expect(calls[2]!.error!.message).toContain('INTERNAL_ERROR: bye??');
      expect(lone.codec.isLeaving).toBe(true);
      expect(() => lone.request()).toThrow('no stream');
    };
    lone.feed(goaway(1, 2, 'bye\x00\xff'), headers(1, OK));
    expect(lone.side.log).toContain('goaway 1 2 bye??');
    expect(calls[0]!.log).toEqual(['head 200', 'end']);
    expect(lone.codec.activeCount).toBe(0);
  });

  it('may come again, with a lower number and not with a higher one', () => {
    const lone = new Lone('client');
    const [first, second] = [lone.request(), lone.request()];
    lone.said();
    lone.feed(goaway(0x7fffffff));
    expect(lone.codec.isLeaving).toBe(true);
    expect(first.log).toEqual([]);
    lone.feed(goaway(1));
    expect(second.log).toEqual(['failed unprocessed']);
    lone.feed(goaway(1));
    expect(lone.refusal(goaway(3))).toBe('goaway-order');
    expect(first.log).toEqual(['failed']);
  });

  it('to a server leaves the streams of its client as they are', () => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...REQUEST)), goaway(0), headers(3, block(...REQUEST)));
    expect(lone.side.served.map(({ log }) => log)).toEqual([
      ['head GET /', 'end'],
      ['head GET /', 'end'],
    ]);
    expect(lone.side.log).toContain('goaway 0 0');
  });

  it('of a server is told twice when it is graceful; requests behind the second are not answered', () => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...REQUEST)));
    lone.codec.goaway(0, true);
    lone.feed(headers(3, block(...REQUEST)));
    lone.codec.goaway(0, false);
    const indexed = Buffer.concat([block(...REQUEST), Buffer.from('4003782d6101' + '31', 'hex')]);
    lone.feed(headers(5, indexed, END_HEADERS), data(5, 'a'), headers(7, Buffer.from([0xbe]), 5));
    lone.codec.goaway(0, false);
    expect(lone.side.served).toHaveLength(2);
    expect(lone.codec.activeCount).toBe(2);
    expect(lone.said()).toEqual(['GOAWAY 2147483647 0', 'GOAWAY 3 0', 'GOAWAY 3 0']);
    lone.side.served[1]!.stream.respond(204, [], true);
    expect(lone.said()).toEqual(['HEADERS 3 :status=204 end']);
  });
});

describe('the numbers of a client', () => {
  it('are odd and go up', () => {
    const lone = new Lone('client');
    expect([lone.request(), lone.request()].map(({ stream }) => stream.id)).toEqual([1, 3]);
    expect(() => new Lone('server').request()).toThrow('no stream');
    expect(() => new Lone('client', {}, true).request()).not.toThrow();
  });
});

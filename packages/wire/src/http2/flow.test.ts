/** Flow control, both ways (RFC 9113 §5.2, §6.9), and what else bounds what is sent. */
import { describe, expect, it } from 'vitest';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  Lone,
  OK,
  padded,
  POST,
  settings,
  windowUpdate,
} from '../../test/support/frames.js';
import { CONSTANTS } from '../constants.js';

const BODY = Buffer.alloc(300_000, 'b');

function upload(lone: Lone): ReturnType<Lone['request']> {
  const call = lone.request({ method: 'POST' }, false);
  lone.said();
  return call;
}

/** Sends all there is room for. */
function fill(call: ReturnType<Lone['request']>): number {
  let sent = 0;
  for (let { room } = call.stream; room > 0; { room } = call.stream) {
    call.stream.send(BODY, 0, room, false);
    sent += room;
  }
  return sent;
}

describe('what we send', () => {
  it('is bounded by the window of the stream', () => {
    const lone = new Lone('client');
    lone.feed(windowUpdate(0, 1_000_000));
    const call = upload(lone);
    expect(fill(call)).toBe(65_535);
    lone.feed(windowUpdate(1, 10));
    expect(call.log).toEqual(['room']);
    expect(call.stream.room).toBe(10);
    expect(() => call.stream.send(BODY, 0, 11, false)).toThrow('more data');
    lone.feed(windowUpdate(1, 10));
    // It had room, so it waits for nothing.
    expect(call.log).toEqual(['room']);
    expect(call.stream.room).toBe(20);
  });

  it('is bounded by the window of the connection, and those that wait come in turn', () => {
    const lone = new Lone('client');
    const calls = [upload(lone), upload(lone), upload(lone)];
    expect(fill(calls[0]!)).toBe(65_535);
    expect(calls.map(({ stream }) => stream.room)).toEqual([0, 0, 0]);
    const served: number[] = [];
    for (const call of calls)
      call.on.room = () => {
        served.push(call.stream.id);
        call.stream.send(BODY, 0, Math.min(10, call.stream.room), false);
        // It has more to send.
        expect(call.stream.room).toBeGreaterThanOrEqual(0);
      };
    // The first has used up its own window, too.
    for (let i = 0; i < 4; i += 1) lone.feed(windowUpdate(0, 10));
    expect(served).toEqual([3, 5, 3, 5]);
    lone.feed(windowUpdate(1, 5), windowUpdate(0, 10));
    expect(served.slice(4)).toEqual([3]);
    lone.feed(windowUpdate(0, 10), windowUpdate(0, 10));
    // The first took the 5 bytes of its own window, and left the rest to the next one.
    expect(served.slice(5)).toEqual([5, 1, 3]);
  });

  it('is nothing while the socket is full', () => {
    const lone = new Lone('client');
    const call = upload(lone);
    lone.codec.setBlocked(true);
    expect(call.stream.room).toBe(0);
    lone.feed(windowUpdate(0, 10), windowUpdate(1, 10));
    lone.said();
    expect(call.log).toEqual([]);
    lone.codec.setBlocked(false);
    expect(call.log).toEqual(['room']);
    expect(fill(call)).toBe(65_545);
  });

  it('is bounded by what waits to be written', () => {
    const lone = new Lone('client');
    lone.feed(settings([4, 0x7fffffff]), windowUpdate(0, 0x7fffffff - 65_535));
    const call = upload(lone);
    const sent = fill(call);
    expect(sent).toBeLessThanOrEqual(CONSTANTS.outputBodyMaxBytes);
    expect(lone.codec.outputBytes).toBeGreaterThanOrEqual(CONSTANTS.outputBodyMaxBytes);
    expect(call.log).toEqual([]);
    lone.said();
    expect(call.log).toEqual(['room']);
    expect(call.stream.room).toBe(CONSTANTS.outputBodyMaxBytes);
  });

  it('is shared by those that wait: none fills a whole output while others stand still', () => {
    const lone = new Lone('client');
    lone.feed(settings([4, 10_000_000]), windowUpdate(0, 100_000_000));
    const calls = [upload(lone), upload(lone), upload(lone)];
    const sent = new Map<number, number>();
    for (const call of calls) {
      const send = (): void => {
        sent.set(call.stream.id, (sent.get(call.stream.id) ?? 0) + fill(call));
      };
      call.on.room = send;
      send();
    }
    expect([...sent.values()], 'the first was alone').toEqual([CONSTANTS.outputBodyMaxBytes, 0, 0]);
    for (let i = 0; i < 3; i += 1) {
      sent.clear();
      lone.codec.takeOutput();
      const { streamTurnBytes } = CONSTANTS;
      expect([...sent]).toEqual(calls.map(({ stream }) => [stream.id, streamTurnBytes]));
    }
  });

  it('is in frames as large as the peer takes, and its end may be empty', () => {
    const lone = new Lone('client');
    const call = upload(lone);
    call.stream.send(BODY, 5, 40_005, false);
    call.stream.send(BODY, 0, 0, false);
    lone.feed(settings([5, 20_000]));
    call.stream.send(BODY, 0, 25_535, false);
    expect(call.stream.room).toBe(0);
    call.stream.end();
    expect(lone.said()).toEqual([
      'DATA 1 16384',
      'DATA 1 16384',
      'DATA 1 7232',
      'SETTINGS ack',
      'DATA 1 20000',
      'DATA 1 5535',
      'DATA 1 0 end',
    ]);
  });

  it('follows INITIAL_WINDOW_SIZE below zero, and up again (§6.9.2)', () => {
    const lone = new Lone('client');
    const call = upload(lone);
    call.stream.send(BODY, 0, 1_000, false);
    lone.feed(settings([4, 0]));
    expect(call.stream.room).toBe(0);
    lone.feed(windowUpdate(1, 999));
    expect(call.stream.room).toBe(0);
    lone.feed(settings([4, 1]));
    expect(call.stream.room).toBe(0);
    lone.feed(settings([4, 11]));
    expect(call.log).toEqual(['room']);
    expect(call.stream.room).toBe(10);
    expect(upload(lone).stream.room).toBe(11);
  });

  it('and windows beyond 2³¹−1 are errors of their scope (§6.9.1)', () => {
    const lone = new Lone('client');
    const [call, other] = [upload(lone), upload(lone)];
    lone.feed(windowUpdate(1, 0x7fffffff - 65_535), windowUpdate(0, 0x7fffffff - 65_535));
    expect(call.log).toEqual([]);
    lone.feed(windowUpdate(1, 1));
    expect(call.error).toMatchObject({ reason: 'stream-window-overflow' });
    expect(lone.said()).toEqual(['RST_STREAM 1 3']);
    lone.feed(windowUpdate(3, 0x7fffffff - 65_535));
    expect(lone.refusal(settings([4, 65_536]))).toBe('setting-window');
    expect(other.log).toEqual(['failed']);
    expect(new Lone('client').refusal(windowUpdate(0, 0x7fffffff))).toBe('window-overflow');
  });

  it('a WINDOW_UPDATE of 0 is an error of its scope (§6.9)', () => {
    const lone = new Lone('client');
    const call = upload(lone);
    lone.feed(windowUpdate(1, 0));
    expect(call.error).toMatchObject({ reason: 'stream-window-zero' });
    expect(lone.said()).toEqual(['RST_STREAM 1 1']);
    expect(lone.refusal(windowUpdate(0, 0))).toBe('window-zero');
  });

  it('is not asked for by a stream that has ended or was reset', () => {
    const lone = new Lone('client');
    const calls = [upload(lone), upload(lone), upload(lone)];
    lone.codec.setBlocked(true);
    expect(calls.map(({ stream }) => stream.room)).toEqual([0, 0, 0]);
    calls[0]!.stream.end();
    calls[1]!.stream.reset(8);
    lone.codec.setBlocked(false);
    expect(calls.map(({ log }) => log)).toEqual([[], [], ['room']]);
  });
});

describe('what we receive', () => {
  const started = (limits = {}): [Lone, ReturnType<Lone['request']>] => {
    const lone = new Lone('client', limits);
    const call = lone.request();
    lone.feed(headers(1, OK, END_HEADERS));
    lone.said();
    return [lone, call];
  };
  const piece = (bytes: number): Buffer => data(1, Buffer.alloc(bytes));

  it('is given credit for at half of the window, which doubles while its reader never pauses', () => {
    const [lone] = started({ streamWindowBytes: 10_000, maxStreamWindowBytes: 35_000 });
    lone.feed(piece(4_999));
    expect(lone.said()).toEqual([]);
    lone.feed(piece(1));
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 15000']);
    lone.feed(piece(9_999));
    expect(lone.said()).toEqual([]);
    lone.feed(piece(1));
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 25000']);
    lone.feed(piece(16_384), piece(1_115));
    expect(lone.said()).toEqual([]);
    lone.feed(piece(1));
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 17500']);
  });

  it('is given none for while it is paused, and that of the connection all the same', () => {
    const [lone, call] = started({ streamWindowBytes: 10_000, connectionWindowBytes: 65_535 });
    call.stream.pause();
    lone.feed(piece(9_000));
    expect(lone.said()).toEqual([]);
    call.stream.resume();
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 9000']);
    call.stream.resume();
    call.stream.pause();
    lone.feed(piece(10_000));
    expect(lone.said()).toEqual([]);
    const others = [lone.request(), lone.request(), lone.request()];
    for (const { stream } of others) lone.feed(headers(stream.id, OK, 4), data(stream.id, 'a'));
    lone.feed(data(3, Buffer.alloc(8_000)), data(5, Buffer.alloc(8_000)));
    // More than half of the connection's window was used, most of it by what nobody reads.
    expect(lone.said()).toContain('WINDOW_UPDATE 35003');
    expect(call.body).toHaveLength(19_000);
    // It has paused once: its window stays as it is.
    call.stream.resume();
    lone.feed(piece(10_000));
    expect(lone.said().filter((said) => said.startsWith('WINDOW_UPDATE 1 '))).toEqual([
      'WINDOW_UPDATE 1 10000',
      'WINDOW_UPDATE 1 10000',
    ]);
  });

  it('beyond the window of the stream resets it; at its end it does not', () => {
    const [lone, call] = started({ streamWindowBytes: 10_000 });
    call.stream.pause();
    lone.feed(piece(10_000), piece(0));
    expect(call.log.at(-1)).toBe('data 10000');
    lone.feed(piece(1));
    expect(call.error).toMatchObject({ reason: 'stream-window-exceeded' });
    expect(lone.said()).toEqual(['RST_STREAM 1 3']);
  });

  it('beyond the window of the connection breaks it', () => {
    const lone = new Lone('client', {
      connectionWindowBytes: 65_535,
      streamWindowBytes: 1_000_000,
    });
    lone.request();
    lone.feed(headers(1, OK, END_HEADERS));
    // Nothing can use it up by frames that come in turn: credit is given before the next one.
    for (let i = 0; i < 50; i += 1) lone.feed(piece(16_384));
    expect(lone.said().filter((said) => /^WINDOW_UPDATE \d+$/.test(said)).length).toBeGreaterThan(
      10,
    );
  });

  it('counts with its padding, which is given back', () => {
    const [lone, call] = started({ streamWindowBytes: 10_000 });
    for (let i = 0; i < 50; i += 1) lone.feed(padded(0, 1, Buffer.from('a'), 255));
    expect(call.body).toHaveLength(50);
    const given = lone.said().map((said) => Number(said.split(' ')[2]));
    expect(50 * 257 - given.reduce((sum, credit) => sum + credit, 0)).toBeLessThan(10_000);
  });

  it('is dropped when nothing takes it, and its credit given back', () => {
    const lone = new Lone('server', { streamWindowBytes: 10_000, maxStreamWindowBytes: 10_000 });
    lone.side.onServed = (served) => {
      served.onHead = () => undefined as never;
    };
    lone.feed(headers(1, block(...POST), END_HEADERS));
    lone.feed(piece(10_000), piece(10_000));
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 10000', 'WINDOW_UPDATE 1 10000']);
    expect(lone.side.served[0]!.body).toBe('');
  });

  it('is given no credit for behind its end, when resumed too', () => {
    const [lone, call] = started({ streamWindowBytes: 10_000 });
    const upload = lone.request({ method: 'POST' }, false);
    lone.said();
    lone.feed(data(1, Buffer.alloc(10_000), END_STREAM), headers(3, OK, END_HEADERS));
    upload.stream.pause();
    lone.feed(data(3, Buffer.alloc(10_000), END_STREAM));
    upload.stream.resume();
    expect(lone.said()).toEqual([]);
    expect([call.log.at(-1), upload.log.at(-1)]).toEqual(['end', 'end']);
  });

  it('goes to what takes it, whose error resets the stream and comes back', () => {
    const [lone, call] = started();
    call.refusal = new Error('enough');
    lone.feed(data(1, 'a', END_STREAM), headers(1, OK));
    expect(call.log).toEqual(['head 200', 'data 1', 'failed']);
    expect([call.error, call.isUnprocessed]).toEqual([call.refusal, false]);
    expect(lone.said()).toEqual(['RST_STREAM 1 8']);
  });
});

/** Settings, the peer's and ours (RFC 9113 §6.5). */
import { describe, expect, it } from 'vitest';
import {
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  Lone,
  OK,
  settings,
  SETTINGS_ACK,
} from '../../test/support/frames.js';

describe('settings (§6.5)', () => {
  it('are acknowledged, then told; the last of two values counts', () => {
    const lone = new Lone('client');
    lone.side.on.settings = () => expect(lone.said()).toEqual(['SETTINGS ack']);
    lone.feed(settings([3, 7], [0x99, 5], [3, 9], [6, 1_000], [8, 1], [5, 0x8000], [1, 100]));
    expect(lone.side.log).toContain('settings 9');
    expect(lone.codec.peer).toMatchObject({
      maxConcurrentStreams: 9,
      maxHeaderListBytes: 1_000,
      enableConnectProtocol: true,
      maxFrameBytes: 0x8000,
      headerTableBytes: 100,
      initialWindowBytes: 65_535,
    });
  });

  it.each<[string, [number, number][], string]>([
    ['ENABLE_PUSH 2', [[2, 2]], 'setting'],
    ['INITIAL_WINDOW_SIZE 2³¹', [[4, 0x80000000]], 'setting-window'],
    ['MAX_FRAME_SIZE 16 383', [[5, 0x3fff]], 'setting'],
    ['MAX_FRAME_SIZE 2²⁴', [[5, 0x1000000]], 'setting'],
    ['ENABLE_CONNECT_PROTOCOL 2', [[8, 2]], 'setting'],
    [
      'ENABLE_CONNECT_PROTOCOL taken back',
      [
        [8, 1],
        [8, 0],
      ],
      'setting',
    ],
  ])('out of range are refused: %s', (_, pairs, reason) => {
    expect(new Lone('client').refusal(settings(...pairs))).toBe(reason);
    expect(new Lone('server').refusal(settings(...pairs))).toBe(reason);
  });

  it('ENABLE_PUSH 1 is refused of a server, and of no use from a client', () => {
    expect(new Lone('client').refusal(settings([2, 1]))).toBe('setting');
    expect(new Lone('server').refusal(settings([2, 1]))).toBeUndefined();
    expect(new Lone('client').refusal(settings([2, 0]))).toBeUndefined();
  });

  it('limit streams at any time, to 0 too', () => {
    const lone = new Lone('client');
    lone.request();
    lone.feed(settings([3, 0]));
    expect(lone.codec.activeCount).toBe(1);
    expect(() => lone.request()).toThrow('allows no more');
    lone.feed(settings([3, 2]));
    lone.request();
    expect(() => lone.request()).toThrow('allows no more');
  });

  it('of ours bind the peer from its acknowledgement on: the window of open streams, and of new ones', () => {
    const lone = new Lone('client', { streamWindowBytes: 100, maxStreamWindowBytes: 100 }, true);
    lone.feed(settings());
    const [before, wrong] = [lone.request(), lone.request()];
    lone.feed(headers(1, OK, END_HEADERS), data(1, Buffer.alloc(10_000)));
    expect(before.body).toHaveLength(10_000);
    lone.said();
    lone.feed(SETTINGS_ACK);
    // 65 535 − 10 000 became 100 − 10 000: the peer is given what it needs to go on, as all of it was read.
    expect(lone.said()).toEqual(['WINDOW_UPDATE 1 10000']);
    lone.feed(data(1, Buffer.alloc(100), END_STREAM));
    expect(before.log.at(-1)).toBe('end');
    lone.feed(headers(3, OK, END_HEADERS), data(3, Buffer.alloc(101)));
    expect(wrong.error).toMatchObject({ reason: 'stream-window-exceeded' });
    expect(lone.said()).toContain('RST_STREAM 3 3');
  });

  it('of ours for the table of HPACK bind the peer from its acknowledgement on', () => {
    const update = Buffer.from([0x3f, 0xe1, 0x3f]); // to 8 192
    const lone = new Lone('client', { headerTableBytes: 8_192 }, true);
    lone.feed(settings());
    lone.request();
    expect(lone.refusal(headers(1, Buffer.concat([update, OK])))).toBe('hpack-table-size');
    const bound = new Lone('client', { headerTableBytes: 8_192 });
    bound.request();
    expect(bound.refusal(headers(1, Buffer.concat([update, OK])))).toBeUndefined();
  });

  it('of the peer for the table of HPACK are followed by the next block', () => {
    const lone = new Lone('client');
    lone.feed(settings([1, 0]));
    lone.codec.takeOutput();
    lone.request();
    expect(lone.codec.takeOutput()![9]).toBe(0x20);
  });

  it('of the peer for the table of HPACK count each, also in one frame: the smallest is said first (RFC 7541 §4.2)', () => {
    const lone = new Lone('client');
    lone.request({ fields: ['user-agent', 'a'] });
    lone.said();
    lone.feed(settings([1, 0], [1, 4_096]));
    expect(lone.said()).toEqual(['SETTINGS ack']);
    lone.request({ fields: ['user-agent', 'a'] });
    expect(lone.codec.takeOutput()!.subarray(9, 13).toString('hex')).toBe('203fe11f');
  });
});

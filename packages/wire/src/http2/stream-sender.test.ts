/** What is left of a stream that has waited for room: nothing. Seen from inside, because a leak shows nowhere else. */
import { describe, expect, it } from 'vitest';
import { LIMITS, Recorder, Side } from '../../test/support/http2.js';
import { FloodGuard } from './flood-guard.js';
import { ReceiveWindow } from './flow-window.js';
import { Outbound } from './outbound.js';
import { StreamSender } from './stream-sender.js';
import { Stream } from './stream.js';
import { StreamEvent } from './stream-state.js';
import { Streams } from './streams.js';

describe('a stream that waits while the socket is full', () => {
  it.each<[string, (stream: Stream, streams: Streams) => void]>([
    ['is reset', (stream) => stream.reset(8)],
    ['ends', (stream) => stream.end()],
    ['ends with trailers', (stream) => stream.end(['a', 'b'])],
    [
      'fails',
      (stream, streams) => streams.fail(stream, StreamEvent.ReceiveReset, new Error(), false),
    ],
    ['fails with all', (_, streams) => streams.failAll(new Error(), 0)],
  ])('waits no more when it %s', (_, act) => {
    const side = new Side();
    const guard = new FloodGuard(LIMITS);
    const streams = new Streams('client', side, guard);
    const sender = new StreamSender(LIMITS, streams, new Outbound(side, LIMITS, guard));
    const window = new ReceiveWindow(1);
    const stream = new Stream(1, sender, new Recorder(), 'usual', 1, window, 0, true);
    streams.add(stream);
    streams.advance(stream, StreamEvent.SendHead);
    sender.setBlocked(true);
    expect(stream.room).toBe(0);
    expect([...streams.waiting]).toEqual([stream]);
    act(stream, streams);
    expect(streams.waiting.size).toBe(0);
  });
});

/** Raw bytes on a connection, and the proof that nothing of them is left over; no sockets. */
import { describe, expect, it } from 'vitest';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { CONSTANTS } from '../../config/constants.js';
import { ConnectionKey } from '../../key/connection-key.js';
import { Counters } from '../../pool/counters.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { Http1Connection } from '../http1/http1-connection.js';
import { Transport } from '../transport.js';
import { RawChannel } from './raw-channel.js';

function open() {
  const socket = new FakeSocket();
  const counters = new Counters();
  const key = ConnectionKey.from('http://peer.test');
  const transport = new Transport(key, socket.asSocket(), new VirtualClock(), counters);
  const dialTiming = { dns: 0, connect: 0, tls: 0 };
  const connection = new Http1Connection(transport, { id: 0, random: 0, dialTiming });
  const channel = new RawChannel(connection);
  const gets = (text: string) => {
    transport.received(Buffer.from(text));
  };
  const read = async () => (await channel.read())?.toString();
  return { socket, counters, transport, connection, channel, gets, read };
}

describe('a raw channel', () => {
  it('gives what comes, before and after it is asked, and undefined at the end', async () => {
    const { transport, gets, read, connection } = open();
    gets('a');
    expect(await read()).toBe('a');
    const next = read();
    gets('b');
    gets('c');
    expect([await next, await read()]).toEqual(['b', 'c']);
    const last = read();
    transport.ended();
    transport.socketClosed();
    expect([await last, await read()]).toEqual([undefined, undefined]);
    expect(connection.record.requestCount).toBe(1);
  });

  it.each([
    ['nothing is left', () => undefined, true],
    ['bytes were not read', ({ gets }) => gets('x'), false],
    ['bytes have not left', ({ socket }) => (socket.writableLength = 1), false],
    ['a read is under way', ({ channel }) => void channel.read().catch(() => undefined), false],
    ['the peer has ended', ({ transport }) => transport.ended(), false],
    ['the connection is closed', ({ transport }) => transport.socketClosed(), false],
  ] satisfies [string, (parts: ReturnType<typeof open>) => unknown, boolean][])(
    'says whether its connection may be used again: %s',
    (_what, happen, isClean) => {
      const parts = open();
      happen(parts);
      expect(parts.channel.end()).toBe(isClean);
      if (!parts.connection.isOpen) return;
      parts.gets('unasked');
      expect(parts.counters.poisoned).toBe(1);
    },
  );

  it('ends its reads with the reason of a close, and so its writes', async () => {
    const { transport, channel } = open();
    const read = channel.read();
    transport.errored(new Error('ECONNRESET'));
    transport.socketClosed();
    for (const failed of [read, channel.read(), channel.write('x')])
      await expect(failed).rejects.toMatchObject({ code: 'HOTARU_CONNECTION_CLOSED' });
  });

  it('stops reading above the high-water mark, and goes on below half of it', async () => {
    const { socket, gets, read } = open();
    const half = 'x'.repeat(CONSTANTS.bodyHighWaterBytes / 2);
    gets(half);
    expect(socket.isPaused).toBe(false);
    gets(half);
    expect(socket.isPaused).toBe(true);
    await read();
    expect(socket.isPaused).toBe(true);
    await read();
    expect(socket.isPaused).toBe(false);
  });

  it('answers one read at a time', async () => {
    const { channel } = open();
    const first = channel.read();
    await expect(channel.read()).rejects.toMatchObject({ code: 'HOTARU_INVALID_STATE' });
    channel.end();
    await expect(first).rejects.toMatchObject({ code: 'HOTARU_INVALID_STATE' });
  });
});

/** A socket and its users, and what a connection of HTTP/1.1 makes of what comes between two of them. */
import { describe, expect, it } from 'vitest';
import { FakeSocket } from '../../test/support/fake-socket.js';
import { ConnectionKey } from '../key/connection-key.js';
import { Counters } from '../pool/counters.js';
import { takesCaller } from '../pool/poolable.js';
import { turn } from '../testing/index.js';
import { VirtualClock } from '../testing/virtual-clock.js';
import { Http1Connection } from './http1/http1-connection.js';
import { Transport, type ByteSink } from './transport.js';

class User implements ByteSink {
  readonly told: string[] = [];
  keepsSocket = false;

  constructor(
    readonly name: string,
    readonly log: string[] = [],
  ) {}

  onBytes(bytes: Buffer): void {
    this.told.push(bytes.toString());
  }
  onEnd(): void {
    this.told.push('end');
  }
  onClose(error: Error | undefined): void {
    this.told.push(error === undefined ? 'close' : `close: ${error.message}`);
    this.log.push(this.name);
  }
  onDrain(): void {
    this.told.push('drain');
  }
  onWriteError(): boolean {
    return this.keepsSocket;
  }
}

function bench() {
  const socket = new FakeSocket();
  const counters = new Counters();
  const clock = new VirtualClock();
  const key = ConnectionKey.from('http://peer.test');
  const transport = new Transport(key, socket.asSocket(), clock, counters);
  const gets = (text: string) => {
    transport.received(Buffer.from(text));
  };
  return { socket, counters, clock, transport, gets };
}

describe('a transport', () => {
  it('gives what comes to its user, and to its home before and after', () => {
    const { transport, gets, counters, clock } = bench();
    const home = new User('home');
    const user = new User('user');
    transport.belongsTo(home);
    gets('a');
    transport.useBy(user);
    clock.advance(7);
    gets('b');
    transport.drained();
    transport.ended();
    expect(transport.isOpen).toBe(false);
    gets('c'); // what was read before the end may be delivered after it
    transport.endUse();
    transport.drained();
    expect([home.told, user.told]).toEqual([
      ['a', 'drain'],
      ['b', 'drain', 'end', 'c'],
    ]);
    expect([transport.heardAtMs, counters.bytesReceived]).toEqual([7, 3]);
  });

  it('tells its home of its close first, then its user, each once', () => {
    const { transport, gets, socket } = bench();
    const log: string[] = [];
    const home = new User('home', log);
    transport.belongsTo(home);
    transport.useBy(new User('user', log));
    transport.close();
    transport.close();
    transport.socketClosed();
    transport.ended();
    gets('late');
    transport.endUse();
    transport.drained();
    expect(log).toEqual(['home', 'user']);
    expect(home.told).toEqual(['close']);
    expect([socket.isDestroyed, transport.isOpen]).toEqual([true, false]);
  });

  it('keeps the first error for its close, and takes an end after it for no end in peace', () => {
    const { transport } = bench();
    const home = new User('home');
    transport.belongsTo(home);
    transport.errored(new Error('alert'));
    transport.errored(new Error('later'));
    transport.ended();
    expect(home.told).toEqual(['close: alert']);
    expect([transport.endedCleanly, transport.error?.message]).toEqual([false, 'alert']);
  });

  it('keeps a socket whose write failed only while its user asks for that', () => {
    const { transport } = bench();
    const user = new User('user');
    transport.belongsTo(new User('home'));
    transport.useBy(user);
    expect(transport.keepsReading(new Error('EPIPE'))).toBe(false);
    user.keepsSocket = true;
    expect(transport.keepsReading(new Error('EPIPE'))).toBe(true);
    transport.close();
    expect(transport.keepsReading(new Error('EPIPE'))).toBe(false);
  });

  it('is read again when its user leaves it paused', () => {
    const { transport, socket } = bench();
    transport.belongsTo(new User('home'));
    transport.useBy(new User('user'));
    transport.pause();
    transport.endUse();
    expect(socket.isPaused).toBe(false);
  });

  it('does not keep the process alive once it has been idle for a turn', async () => {
    const { transport, socket } = bench();
    transport.setIdle(true);
    transport.setIdle(false);
    await turn();
    expect(socket.isRefd).toBe(true);
    transport.setIdle(true);
    expect(socket.isRefd).toBe(true);
    await turn();
    expect(socket.isRefd).toBe(false);
    transport.setIdle(false);
    expect(socket.isRefd).toBe(true);
  });
});

describe('a connection of HTTP/1.1 that no caller uses', () => {
  function idle() {
    const parts = bench();
    const dialTiming = { dns: 0, connect: 0, tls: 0 };
    const connection = new Http1Connection(parts.transport, { id: 3, random: 0, dialTiming });
    let closes = 0;
    connection.onClosed = () => (closes += 1);
    return { ...parts, connection, closes: () => closes };
  }

  it.each([
    ['bytes', 'HTTP/1.1 200 OK\r\n\r\n', 1],
    ['a part of a status line', 'HTTP/1.1 40', 1],
    ['a 408', 'HTTP/1.1 408 Request Timeout\r\n\r\n', 0],
    ['a 408 without a reason', 'HTTP/1.0 408\r\n\r\n', 0],
  ])('is closed by %s', (_what, text, poisoned) => {
    const { connection, gets, counters, closes, socket } = idle();
    gets(text);
    expect([connection.isOpen, socket.isDestroyed, closes()]).toEqual([false, true, 1]);
    expect(counters.poisoned).toBe(poisoned);
  });

  it('is closed by a FIN, a reset, and by the pool, and tells that once', () => {
    for (const end of ['ended', 'socketClosed', 'close'] as const) {
      const { connection, transport, closes } = idle();
      transport[end]();
      connection.close();
      transport.socketClosed();
      expect([connection.isOpen, closes()]).toEqual([false, 1]);
    }
  });

  it('takes one caller', () => {
    const { connection } = idle();
    expect(takesCaller(connection)).toBe(true);
    connection.record.holders = 1;
    expect(takesCaller(connection)).toBe(false);
    connection.record.holders = 0;
    connection.close();
    expect(takesCaller(connection)).toBe(false);
  });
});

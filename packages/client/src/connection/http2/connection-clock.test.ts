/** Each state of the clock of a connection, left by each of its ways; under a virtual clock. */
import { describe, expect, it } from 'vitest';
import { FakeSocket } from '../../../test/support/fake-socket.js';
import { CONSTANTS } from '../../config/constants.js';
import { ConnectionKey } from '../../key/connection-key.js';
import { Counters } from '../../pool/counters.js';
import { Deadlines } from '../../pool/deadlines.js';
import { turn } from '../../testing/index.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { Transport } from '../transport.js';
import { ConnectionClock, type ConnectionClockOwner } from './connection-clock.js';

const { pingAfterMs, pongWithinMs, askEarlyAfterMs, wordWithinMs, partingMs, writeErrorGraceMs } =
  CONSTANTS;

class Bench implements ConnectionClockOwner {
  readonly time = new VirtualClock();
  readonly deadlines = new Deadlines(this.time);
  readonly transport: Transport;
  readonly clock: ConnectionClock;
  readonly told: string[] = [];

  constructor() {
    const key = ConnectionKey.from('http://peer.test');
    this.transport = new Transport(key, new FakeSocket().asSocket(), this.time, new Counters());
    this.clock = new ConnectionClock(this, this.deadlines, this.transport);
  }

  hears(): void {
    this.transport.received(Buffer.from('x'));
    this.clock.heard();
  }

  ask(): void {
    this.told.push('ask');
  }
  answered(): void {
    this.told.push('answered');
  }
  unheard(): void {
    this.told.push('unheard');
  }
  lost(why: string): void {
    this.told.push(`lost: ${why}`);
  }
}

describe('the clock of a connection', () => {
  it('asks a peer that is silent for long, and finds that it is gone', async () => {
    const bench = new Bench();
    bench.hears();
    bench.clock.watch(true);
    bench.time.advance(pingAfterMs - 1);
    expect(bench.told).toEqual([]);
    bench.time.advance(1);
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask'], true]);
    bench.time.advance(pongWithinMs);
    await turn();
    await turn();
    expect(bench.told).toEqual(['ask', 'lost: silent']);
  });

  it('counts from what was heard last', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    for (let i = 0; i < 5; i += 1) {
      bench.time.advance(pingAfterMs - 1);
      bench.hears();
    }
    expect(bench.told).toEqual([]);
    bench.time.advance(pingAfterMs);
    expect(bench.told).toEqual(['ask']);
  });

  it('takes any byte for a sign of life, and asks again after the next silence', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.time.advance(pingAfterMs);
    bench.hears();
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask', 'answered'], false]);
    bench.time.advance(pingAfterMs - 1);
    bench.hears();
    expect(bench.told).toHaveLength(2);
    bench.time.advance(pingAfterMs);
    expect(bench.told).toEqual(['ask', 'answered', 'ask']);
  });

  it('asks at once when something begins after a silence', () => {
    const bench = new Bench();
    bench.hears();
    bench.time.advance(pingAfterMs);
    bench.clock.watch(false);
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask'], true]);
  });

  it('does not give up a peer that takes what waits, however slowly', async () => {
    const bench = new Bench();
    bench.clock.watch(false);
    const slowMs = pingAfterMs + pongWithinMs - 1;
    for (let i = 0; i < 5; i += 1) {
      bench.time.advance(slowMs);
      await turn();
      await turn();
      bench.clock.took();
      expect(bench.clock.isAsking).toBe(false);
    }
    expect(bench.told.at(-1)).toBe('answered');
    bench.time.advance(slowMs + 1);
    await turn();
    await turn();
    expect(bench.told.at(-1)).toBe('lost: silent');
  });

  it('reads the socket once more before it gives a peer up: this process may have been busy', async () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.time.advance(pingAfterMs);
    bench.time.advance(pongWithinMs);
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask'], true]);
    bench.hears();
    await turn();
    await turn();
    expect(bench.told).toEqual(['ask', 'answered']);
  });

  it('has no timer of its own, and none in the heap, while nothing is under way', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.clock.watch(false);
    expect(bench.deadlines.size).toBe(1);
    bench.clock.rest();
    bench.clock.rest();
    expect(bench.deadlines.size).toBe(0);
    bench.time.advance(pingAfterMs + pongWithinMs);
    expect([bench.told, bench.clock.isAsking]).toEqual([[], false]);
  });

  it('stops in the middle of a doubt', async () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.time.advance(pingAfterMs + pongWithinMs);
    bench.clock.stop();
    await turn();
    await turn();
    expect([bench.told, bench.deadlines.size]).toEqual([['ask'], 0]);
  });

  it('lets a question stand when all who waited for the answer have left', async () => {
    const bench = new Bench();
    bench.time.advance(pingAfterMs);
    for (let askedForMs = 0; askedForMs < pongWithinMs; askedForMs += pongWithinMs / 5) {
      bench.clock.watch(false);
      expect(bench.clock.isAsking).toBe(true);
      bench.time.advance(pongWithinMs / 5);
      bench.clock.rest();
    }
    await turn();
    await turn();
    expect(bench.told).toEqual(['ask', 'lost: silent']);
  });

  it('rests once a question is answered that nobody waits for', () => {
    const bench = new Bench();
    bench.time.advance(pingAfterMs);
    bench.clock.watch(false);
    bench.clock.rest();
    expect(bench.deadlines.size).toBe(1);
    bench.hears();
    expect([bench.told, bench.deadlines.size]).toEqual([['ask', 'answered'], 0]);
    bench.clock.watch(true);
    bench.time.advance(pingAfterMs);
    expect(bench.told).toEqual(['ask', 'answered', 'ask']);
  });

  it('gives what has arrived a moment when nothing can be written', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.clock.writeFailed();
    bench.time.advance(writeErrorGraceMs - 1);
    bench.hears();
    expect(bench.told).toEqual([]);
    bench.time.advance(1);
    expect(bench.told).toEqual(['lost: unwritable']);
  });

  it('asks at once when a caller leaves whose request nothing was heard since', async () => {
    const bench = new Bench();
    bench.hears();
    bench.clock.watch(true);
    const writtenAtMs = bench.time.now();
    bench.time.advance(askEarlyAfterMs - 1);
    bench.clock.gaveUp(writtenAtMs);
    expect(bench.told, 'a hurried caller').toEqual([]);
    bench.time.advance(1);
    bench.clock.gaveUp(writtenAtMs);
    bench.clock.rest();
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask'], true]);
    bench.time.advance(wordWithinMs - 1);
    bench.clock.gaveUp(writtenAtMs);
    await turn();
    await turn();
    expect(bench.told).toEqual(['ask']);
    bench.time.advance(1);
    await turn();
    await turn();
    expect([bench.told, bench.clock.isAsking]).toEqual([['ask', 'unheard'], true]);
    bench.time.advance(pongWithinMs - wordWithinMs);
    await turn();
    await turn();
    expect([bench.told, bench.deadlines.size]).toEqual([['ask', 'unheard', 'lost: silent'], 0]);
  });

  it('does not ask when a caller leaves that heard something, or whose peer takes what waits', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    const writtenAtMs = bench.time.now();
    bench.time.advance(1);
    bench.hears();
    bench.time.advance(askEarlyAfterMs);
    bench.clock.gaveUp(writtenAtMs);
    const nextAtMs = bench.time.now();
    bench.time.advance(1);
    bench.clock.took();
    bench.time.advance(askEarlyAfterMs);
    bench.clock.gaveUp(nextAtMs);
    expect(bench.told).toEqual([]);
  });

  it('asks a peer that says nothing but PONG no more than once until it answers', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    const leave = (): void => {
      const writtenAtMs = bench.time.now();
      bench.time.advance(askEarlyAfterMs);
      bench.clock.gaveUp(writtenAtMs);
    };
    leave();
    bench.hears();
    leave();
    expect(bench.told).toEqual(['ask', 'answered']);
    bench.clock.answerCame();
    leave();
    expect(bench.told).toEqual(['ask', 'answered', 'ask']);
  });

  it('reads the socket once more before it says that no word came', async () => {
    const bench = new Bench();
    bench.time.advance(pingAfterMs);
    bench.clock.watch(false);
    bench.time.advance(wordWithinMs);
    bench.hears();
    await turn();
    await turn();
    expect(bench.told).toEqual(['ask', 'answered']);
  });

  it('gives a peer that has broken off a moment, which moves with what still comes', async () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.hears();
    bench.clock.brokenOff();
    for (let i = 0; i < 3; i += 1) {
      bench.time.advance(partingMs - 1);
      bench.hears();
      bench.time.advance(1);
      await turn();
      await turn();
    }
    bench.time.advance(partingMs - 2);
    await turn();
    await turn();
    expect(bench.told).toEqual([]);
    bench.time.advance(1);
    await turn();
    await turn();
    expect([bench.told, bench.deadlines.size]).toEqual([['lost: broken off'], 0]);
  });

  it('forgets a peer that has broken off once nobody waits for it', () => {
    const bench = new Bench();
    bench.clock.watch(false);
    bench.clock.brokenOff();
    bench.clock.rest();
    expect(bench.deadlines.size).toBe(0);
  });
});

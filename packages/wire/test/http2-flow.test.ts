/**
 * Flow control and the life of streams, with a client and a server that are joined by pipes, under any interleaving: any
 * sizes of windows and bodies, pauses, resets, full sockets, bytes cut anywhere, connections that are lost. What comes in is
 * held to plain models: of the frames on the wire (credits), and of what was sent (bodies).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Http2Codec } from '../src/http2/codec.js';
import type { Http2Limits } from '../src/http2/stream-api.js';
import { WireError } from '../src/wire-error.js';
import { GET, LIMITS, Recorder, Side } from './support/http2.js';

const RUNS = Number(process.env['HOTARU_H2_RUNS'] ?? 300);

interface Act {
  readonly verb: string;
  readonly of: number;
  readonly size: number;
}

const act = fc.record<Act>({
  verb: fc.constantFrom(
    ...['open', 'open', 'send', 'send', 'send', 'end', 'respond', 'serve', 'serve', 'serveEnd'],
    ...['pipe', 'pipe', 'pipe', 'pipe', 'pause', 'resume', 'resume', 'reset', 'serverReset'],
    ...['block', 'unblock', 'trailers', 'serverPause', 'serverResume', 'refuse', 'leave'],
  ),
  of: fc.nat(5),
  size: fc.oneof(fc.nat(20), fc.nat(3_000), fc.nat(70_000)),
});

const limits = fc.record({
  streamWindowBytes: fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.integer({ min: 1_000, max: 200_000 }),
  ),
  connectionWindowBytes: fc.integer({ min: 1, max: 200_000 }),
  maxStreamWindowBytes: fc.integer({ min: 1, max: 400_000 }),
  maxConcurrentStreams: fc.integer({ min: 0, max: 4 }),
});

/** Frames out of a stream of bytes. */
class Splitter {
  #rest: Buffer = Buffer.alloc(0);
  #toSkip: number;
  readonly #onFrame: (type: number, flags: number, id: number, payload: Buffer) => void;

  constructor(
    toSkip: number,
    onFrame: (type: number, flags: number, id: number, payload: Buffer) => void,
  ) {
    this.#toSkip = toSkip;
    this.#onFrame = onFrame;
  }

  feed(bytes: Buffer): void {
    const skipped = Math.min(this.#toSkip, bytes.length);
    this.#toSkip -= skipped;
    let at = Buffer.concat([this.#rest, bytes.subarray(skipped)]);
    while (at.length >= 9 && at.length >= 9 + at.readUIntBE(0, 3)) {
      const end = 9 + at.readUIntBE(0, 3);
      this.#onFrame(at[3]!, at[4]!, at.readUInt32BE(5), at.subarray(9, end));
      at = at.subarray(end);
    }
    this.#rest = Buffer.from(at);
  }
}

/** What one end may send: by what it has written, and by the credit that has reached it. */
class Ledger {
  connection = 65_535;
  readonly written: Splitter;
  readonly heard: Splitter;
  #initial = 65_535;
  readonly #streams = new Map<number, number>();

  constructor(isClient: boolean) {
    const preface = 24;
    this.written = new Splitter(isClient ? preface : 0, (type, _, id, { length }) => {
      if (type !== 0) return;
      this.connection -= length;
      this.#streams.set(id, this.#of(id) - length);
      expect(this.connection).toBeGreaterThanOrEqual(0);
      if (length > 0) expect(this.#of(id)).toBeGreaterThanOrEqual(0);
    });
    this.heard = new Splitter(isClient ? 0 : preface, (type, flags, id, payload) => {
      if (type === 4 && flags === 0) this.#settle(payload);
      if (type === 8) this.#grant(id, payload.readUInt32BE());
      // A stream's window is the initial one from its first frame on.
      if (type === 1) this.#streams.set(id, this.#of(id));
    });
  }

  #of(id: number): number {
    return this.#streams.get(id) ?? this.#initial;
  }

  #grant(id: number, credit: number): void {
    expect(credit).toBeGreaterThan(0);
    if (id === 0) this.connection += credit;
    else this.#streams.set(id, this.#of(id) + credit);
    expect(Math.max(this.connection, this.#of(id))).toBeLessThanOrEqual(0x7fffffff);
  }

  #settle(payload: Buffer): void {
    for (let i = 0; i < payload.length; i += 6) {
      if (payload.readUInt16BE(i) !== 4) continue;
      const window = payload.readUInt32BE(i + 2);
      for (const [id, left] of this.#streams) this.#streams.set(id, left + window - this.#initial);
      this.#initial = window;
    }
  }
}

/** One end's message as it was meant, and as it came. */
class Message {
  sent = 0;
  isEnded = false;

  /** Sends up to `size`, as far as there is room; nothing of it can be told from its place, so a byte each is enough. */
  send(stream: Recorder['stream'], size: number, isLast: boolean): void {
    if (this.isEnded || stream.isClosed) return;
    const length = Math.min(size, stream.room);
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i += 1) bytes[i] = 97 + ((this.sent + i) % 26);
    stream.send(bytes, 0, length, isLast && length === size);
    this.sent += length;
    this.isEnded = isLast && length === size;
  }

  /** The rest, and its end, by `onRoom` alone once there was no room. */
  finish({ stream, on }: Recorder, rest: number): void {
    let left = rest;
    const pump = (): void => {
      for (let { room } = stream; left > 0 && room > 0; { room } = stream) {
        const length = Math.min(left, room);
        this.send(stream, length, false);
        left -= length;
      }
      if (left === 0) this.send(stream, 0, true);
    };
    on['room'] = pump;
    pump();
  }

  check(body: string, isWhole: boolean): void {
    expect(body.length).toBeLessThanOrEqual(this.sent);
    for (let i = 0; i < body.length; i += 997) expect(body.charCodeAt(i)).toBe(97 + (i % 26));
    if (isWhole) expect([body.length, this.isEnded]).toEqual([this.sent, true]);
  }
}

class World {
  readonly clientSide = new Side();
  readonly serverSide = new Side();
  readonly client: Http2Codec;
  readonly server: Http2Codec;
  readonly calls: Recorder[] = [];
  readonly up = new Map<number, Message>();
  readonly down = new Map<number, Message>();
  readonly answered = new Set<number>();
  readonly clientLedger = new Ledger(true);
  readonly serverLedger = new Ledger(false);
  readonly wasReset = new Set<number>();
  readonly wires = { up: Buffer.alloc(0), down: Buffer.alloc(0) };

  constructor(client: Partial<Http2Limits>, server: Partial<Http2Limits>) {
    const calm = { idleFrameAllowance: 1e9, resetAllowance: 1e9, maxQueuedAnswers: 1e9 };
    this.client = new Http2Codec('client', this.clientSide, { ...LIMITS, ...client, ...calm });
    this.server = new Http2Codec('server', this.serverSide, { ...LIMITS, ...server, ...calm });
    this.client.start();
    this.server.start();
  }

  run({ verb, of, size }: Act): void {
    const call = this.calls[of % Math.max(1, this.calls.length)];
    const served = this.serverSide.served[of % Math.max(1, this.serverSide.served.length)];
    const { client } = this;
    switch (verb) {
      case 'open':
        if (client.isLeaving || client.activeCount >= client.peer.maxConcurrentStreams) return;
        this.#open(size % 3 === 0);
        return;
      case 'pipe':
        this.pipe(size);
        return;
      case 'leave':
        // Now and then only: nothing can be opened behind it.
        if (size % 7 === 0) this.server.goaway(0, size % 2 === 0);
        return;
      case 'block':
      case 'unblock':
        (of % 2 === 0 ? client : this.server).setBlocked(verb === 'block');
        return;
    }
    if (call !== undefined) this.#asClient(verb, call, size);
    if (served !== undefined) this.#asServer(verb, served, size);
  }

  #open(isLast: boolean): void {
    const call = new Recorder();
    call.stream = this.client.request({ ...GET, method: 'POST' }, call, isLast);
    const message = new Message();
    message.isEnded = isLast;
    this.up.set(call.stream.id, message);
    this.calls.push(call);
  }

  #asClient(verb: string, call: Recorder, size: number): void {
    const { stream } = call;
    const message = this.up.get(stream.id)!;
    if (verb === 'send') message.send(stream, size, false);
    else if (verb === 'end') message.send(stream, size, true);
    else if (verb === 'trailers' && !message.isEnded && !stream.isClosed) {
      stream.end(['x-sum', String(message.sent)]);
      message.isEnded = true;
    } else if (verb === 'pause') stream.pause();
    else if (verb === 'resume') stream.resume();
    else if (verb === 'reset') {
      this.wasReset.add(stream.id);
      stream.reset(8);
    } else if (verb === 'refuse') call.refusal = new Error('enough');
  }

  #asServer(verb: string, { stream }: Recorder, size: number): void {
    if (verb === 'respond' && !this.answered.has(stream.id) && !stream.isClosed) {
      this.answered.add(stream.id);
      this.down.set(stream.id, new Message());
      stream.respond(200, [], false);
    }
    const message = this.down.get(stream.id);
    if (verb === 'serve') message?.send(stream, size, false);
    else if (verb === 'serveEnd') message?.send(stream, size, true);
    else if (verb === 'serverPause') stream.pause();
    else if (verb === 'serverResume') stream.resume();
    else if (verb === 'serverReset') stream.reset(size % 2 === 0 ? 0 : 2);
  }

  /** Moves `size` bytes at most, each way; an end that has said something has it on the wire. */
  pipe(size: number): boolean {
    const { wires } = this;
    const up = this.client.takeOutput() ?? Buffer.alloc(0);
    this.clientLedger.written.feed(up);
    wires.up = Buffer.concat([wires.up, up]);
    const down = this.server.takeOutput() ?? Buffer.alloc(0);
    this.serverLedger.written.feed(down);
    wires.down = Buffer.concat([wires.down, down]);
    const moved = Math.min(size, wires.up.length) + Math.min(size, wires.down.length);
    const [upper, downer] = [wires.up.subarray(0, size), wires.down.subarray(0, size)];
    wires.up = wires.up.subarray(size);
    wires.down = wires.down.subarray(size);
    this.serverLedger.heard.feed(upper);
    this.server.feed(upper);
    this.clientLedger.heard.feed(downer);
    this.client.feed(downer);
    return moved > 0;
  }

  /** All goes on until every message is whole. */
  finish(): void {
    this.client.setBlocked(false);
    this.server.setBlocked(false);
    const begun = new Set<Recorder>();
    // A connection that allows no stream is told so by its first frames: what was opened before is refused.
    for (let round = 0; round < 100_000; round += 1) {
      for (const call of this.calls) {
        call.stream.resume();
        if (begun.has(call)) continue;
        begun.add(call);
        this.up.get(call.stream.id)!.finish(call, 3_000);
      }
      for (const served of this.serverSide.served) {
        this.#asServer('respond', served, 0);
        served.stream.resume();
        if (begun.has(served) || served.stream.isClosed) continue;
        begun.add(served);
        this.down.get(served.stream.id)!.finish(served, 2_000);
      }
      if (!this.pipe(0x10000)) return;
    }
    throw new Error('it goes on for ever');
  }

  check(): void {
    for (const call of this.calls) {
      const { id } = call.stream;
      expect(call.stream.isClosed).toBe(true);
      const ends = call.log.filter((entry) => /^(end|failed)/.test(entry));
      if (!this.wasReset.has(id)) expect(ends).toHaveLength(1);
      expect(ends.length).toBeLessThanOrEqual(1);
      // No rule was broken by either.
      if (call.error instanceof WireError)
        expect(['stream-reset', 'goaway']).toContain(call.error.reason);
      this.down.get(id)?.check(call.body, call.log.includes('end'));
    }
    for (const served of this.serverSide.served) {
      this.up.get(served.stream.id)!.check(served.body, served.log.includes('end'));
      expect(served.stream.isClosed).toBe(true);
    }
    for (const [codec, side, count] of [
      [this.client, this.clientSide, this.calls.length],
      [this.server, this.serverSide, this.serverSide.served.length],
    ] as const) {
      expect(codec.activeCount).toBe(0);
      const closed = side.log.filter((entry) => entry.startsWith('closed'));
      expect(closed).toHaveLength(count);
      expect(new Set(closed).size).toBe(count);
    }
  }
}

describe('two codecs, whatever they do', () => {
  it('settle each stream once, with the bytes that were sent, and leave nothing behind', () => {
    fc.assert(
      fc.property(limits, limits, fc.array(act, { maxLength: 120 }), (client, server, acts) => {
        const world = new World(client, server);
        for (const each of acts) world.run(each);
        world.finish();
        world.check();
        // All that was used of the connections' windows was given back, but for what is not worth a frame yet.
        for (const [ledger, size] of [
          [world.clientLedger, server.connectionWindowBytes],
          [world.serverLedger, client.connectionWindowBytes],
        ] as const) {
          expect(ledger.connection).toBeGreaterThan(Math.max(65_535, size) >> 1);
          expect(ledger.connection).toBeLessThanOrEqual(Math.max(65_535, size));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('settle each stream once when the connection is lost at any moment', () => {
    fc.assert(
      fc.property(limits, limits, fc.array(act, { maxLength: 80 }), (client, server, acts) => {
        const world = new World(client, server);
        for (const each of acts) world.run(each);
        world.client.fail(new Error('lost'));
        world.server.fail(new Error('lost'));
        for (const { log, stream } of [...world.calls, ...world.serverSide.served]) {
          const failed = log.filter((entry) => /^(stop|failed)/.test(entry)).length;
          expect(failed).toBeLessThanOrEqual(1);
          if (log.includes('end')) expect(log.join()).not.toContain('failed');
          expect(stream.isClosed).toBe(true);
        }
        expect(world.client.activeCount + world.server.activeCount).toBe(0);
      }),
      { numRuns: RUNS },
    );
  });
});

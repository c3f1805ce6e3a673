/** Whole HTTP/2 sessions as they come in: what one role of the codec was sent by the other, frame by frame; and damage to them. */
import { CLIENT_PREFACE, FrameBytes } from '../../src/http2/frame-types.js';
import { User, type Mood, type Role } from './http2-user.js';
import { Random, seedOf } from './random.js';

/** One round: a request that the reader's own user opens, if it is a client; then what came in. */
export interface Step {
  readonly opens: boolean;
  readonly frames: readonly Buffer[];
}

export interface Session {
  readonly role: Role;
  /** Of the user on the reader's side. */
  readonly seed: number;
  readonly mood: Mood;
  readonly steps: readonly Step[];
}

/** The frames of what was written; the preface of a client counts as one. */
export function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let at = 0;
  if (bytes.toString('latin1', 0, CLIENT_PREFACE.length) === CLIENT_PREFACE) {
    frames.push(bytes.subarray(0, CLIENT_PREFACE.length));
    at = CLIENT_PREFACE.length;
  }
  while (at < bytes.length) {
    const end = at + FrameBytes.head + bytes.readUIntBE(at, 3);
    if (end > bytes.length) throw new Error('a frame that is written is whole');
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

/** A client and a server do what users do; what came in at one of them is the session. */
export function validSession(seed: number, mood: Mood = 'calm'): Session {
  const random = new Random(seed);
  const role: Role = random.pick(['client', 'server']);
  const client = new User('client', seedOf(seed, 1), 'calm');
  const server = new User('server', seedOf(seed, 2), 'calm');
  const steps: Step[] = [];
  const requests = 1 + random.below(5);
  let quiet = 0;
  for (let round = 0; round < 60 && quiet < 2; round += 1) {
    const opens = round > 0 && client.streams.length < requests && random.oneIn(2);
    if (opens) client.open();
    if (round > 2 && random.oneIn(20)) (random.oneIn(2) ? client : server).codec.ping();
    const up = client.codec.takeOutput() ?? EMPTY;
    server.codec.feed(up);
    server.between();
    const down = server.codec.takeOutput() ?? EMPTY;
    client.codec.feed(down);
    client.between();
    steps.push({ opens: opens && role === 'client', frames: framesOf(role === 'client' ? down : up) }); // prettier-ignore
    quiet = up.length + down.length === 0 && client.streams.length === requests ? quiet + 1 : 0;
  }
  const own = role === 'client' ? client : server;
  return { role, seed: own.seed, mood, steps };
}

const EMPTY = Buffer.alloc(0);

// ── damage ──────────────────────────────────────────────────────────────────────────

const SIZES = [0, 1, 2, 100, 4_096, 0x3fff, 0x4000, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff]; // prettier-ignore
const STREAMS = [0, 1, 1, 3, 3, 5, 7, 2, 4, 99, 0x7fffffff];

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FrameBytes.head);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

function numbers(...words: number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => bytes.writeUInt32BE(word, i * 4));
  return bytes;
}

/** A frame that no session has asked for. */
function stray(random: Random): Buffer {
  const id = random.pick(STREAMS);
  const octets = (most: number) => Uint8Array.from(random.several(random.below(most), () => random.below(0x100))); // prettier-ignore
  switch (random.below(14)) {
    case 0:
    case 1: {
      const settings = random.several(random.below(4), () => {
        const bytes = Buffer.alloc(FrameBytes.setting);
        bytes.writeUInt16BE(random.below(10), 0);
        bytes.writeUInt32BE(random.pick(SIZES), 2);
        return bytes;
      });
      return frame(4, 0, 0, Buffer.concat(settings));
    }
    case 2:
      return frame(4, 1, 0, EMPTY);
    case 3:
    case 4:
      return frame(8, 0, id, numbers(random.pick(SIZES)));
    case 5:
      return frame(3, 0, id, numbers(random.below(16)));
    case 6:
      return frame(6, random.below(2), 0, Buffer.alloc(8, random.below(3)));
    case 7:
      return frame(7, 0, 0, Buffer.concat([numbers(random.pick(STREAMS), random.below(16)), octets(20)])); // prettier-ignore
    case 8:
      return frame(2, 0, id, octets(8));
    case 9:
      return frame(random.below(16), random.below(0x100), id, octets(60));
    case 10:
      return frame(0, random.pick([0, 1, 8, 9]), id, octets(300));
    case 11:
      return frame(1, random.pick([4, 5, 0, 1, 12, 36]), id, octets(40));
    case 12:
      return frame(1, random.pick([4, 5]), id, headerBlock(random));
    default:
      return frame(9, random.pick([0, 4]), id, octets(30));
  }
}

/** Representations of HPACK in any order: indices of fields that messages have, in and out of place, and literals. */
function headerBlock(random: Random): Buffer {
  const octets = random.several(random.below(12), () => {
    const kind = random.below(8);
    if (kind < 4)
      return [0x80 | random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 28, 31, 32, 62, 63, 70])];
    const name = random.pick([1, 2, 4, 8, 8, 10, 17, 20, 28, 28, 32, 35, 38, 57]);
    const value = random.pick(['', '/', '5', '100', '101', '200', '204', '5, 5', 'trailers', 'a.test', 'gzip', 'a\r\nb', ' x']); // prettier-ignore
    return [...(kind < 6 ? [0x40 | name] : name < 15 ? [name] : [0x0f, name - 15]), value.length, ...Buffer.from(value)]; // prettier-ignore
  });
  return Buffer.from(octets.flat());
}

const MUTATIONS: readonly ((frames: Buffer[], at: number, random: Random) => void)[] = [
  // A bit, an octet, an octet of the head.
  (frames, at, random) => damage(frames, at, (bytes) => { bytes[random.below(bytes.length)]! ^= 1 << random.below(8); }), // prettier-ignore
  (frames, at, random) => damage(frames, at, (bytes) => { bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(0x100)]); }), // prettier-ignore
  (frames, at, random) => damage(frames, at, (bytes) => { bytes[random.below(Math.min(9, bytes.length))] = random.below(0x100); }), // prettier-ignore
  // Left out, sent twice, exchanged, moved.
  (frames, at) => void frames.splice(at, 1),
  (frames, at) => void frames.splice(at, 0, frames[at] ?? EMPTY),
  (frames, at, random) => { const to = random.below(frames.length); [frames[at], frames[to]] = [frames[to] ?? EMPTY, frames[at] ?? EMPTY]; }, // prettier-ignore
  (frames, at, random) => { const [one] = frames.splice(at, 1); frames.splice(random.below(frames.length + 1), 0, one ?? EMPTY); }, // prettier-ignore
  // Cut, with its length and without; made longer.
  (frames, at, random) => { const bytes = frames[at] ?? EMPTY; frames[at] = bytes.subarray(0, random.below(bytes.length + 1)); }, // prettier-ignore
  (frames, at, random) => reframe(frames, at, (payload) => payload.subarray(0, random.below(payload.length + 1))), // prettier-ignore
  (frames, at, random) => reframe(frames, at, (payload) => Buffer.concat([payload, Buffer.alloc(random.below(30), random.below(0x100))])), // prettier-ignore
  // Another type, other flags, another stream.
  (frames, at, random) => damage(frames, at, (bytes) => { if (bytes.length > 8) bytes[3] = random.below(12); }), // prettier-ignore
  (frames, at, random) => damage(frames, at, (bytes) => { if (bytes.length > 8) bytes[4]! ^= random.pick([0x1, 0x4, 0x8, 0x20]); }), // prettier-ignore
  (frames, at, random) => damage(frames, at, (bytes) => { if (bytes.length > 8) bytes.writeUInt32BE(random.pick(STREAMS), 5); }), // prettier-ignore
  // A frame that was not sent, once or many times.
  (frames, at, random) => void frames.splice(at + random.below(2), 0, stray(random)),
  (frames, at, random) => void frames.splice(at + random.below(2), 0, stray(random)),
  (frames, at, random) => void frames.splice(at, 0, ...new Array<Buffer>(2 + random.below(60)).fill(random.oneIn(2) ? stray(random) : (frames[at] ?? EMPTY))), // prettier-ignore
  // What means the same: a block in several frames, padding, another priority.
  splitBlock,
  pad,
];

function damage(frames: Buffer[], at: number, change: (bytes: Buffer) => void): void {
  const bytes = Buffer.from(frames[at] ?? EMPTY);
  if (bytes.length > 0) change(bytes);
  frames[at] = bytes;
}

function reframe(frames: Buffer[], at: number, change: (payload: Buffer) => Buffer): void {
  const bytes = frames[at] ?? EMPTY;
  if (bytes.length < FrameBytes.head || bytes.length > 0x4000) return;
  frames[at] = frame(bytes[3] ?? 0, bytes[4] ?? 0, bytes.readUInt32BE(5), change(bytes.subarray(FrameBytes.head))); // prettier-ignore
}

function splitBlock(frames: Buffer[], at: number, random: Random): void {
  const bytes = frames[at] ?? EMPTY;
  if (bytes.length < FrameBytes.head || bytes[3] !== 1 || ((bytes[4] ?? 0) & 0x2c) !== 4) return;
  const id = bytes.readUInt32BE(5);
  const payload = bytes.subarray(FrameBytes.head);
  const pieces: Buffer[] = [];
  let from = 0;
  for (let left = random.below(6); left > 0; left -= 1) {
    const to = from + random.below(payload.length - from + 1);
    pieces.push(payload.subarray(from, to));
    from = to;
  }
  pieces.push(payload.subarray(from));
  const flags = (bytes[4] ?? 0) & 1;
  const last = pieces.length - 1;
  frames.splice(at, 1, ...pieces.map((piece, i) => frame(i === 0 ? 1 : 9, (i === 0 ? flags : 0) | (i === last ? 4 : 0), id, piece))); // prettier-ignore
}

function pad(frames: Buffer[], at: number, random: Random): void {
  const bytes = frames[at] ?? EMPTY;
  const [type = 9, flags = 0] = [bytes[3], bytes[4]];
  if (type > 1 || bytes.length < FrameBytes.head || (flags & 0x28) !== 0) return;
  const length = random.pick([0, 1, 9, 255]);
  if (bytes.length + length > 0x4000) return;
  const payload = Buffer.concat([Buffer.from([length]), bytes.subarray(FrameBytes.head), Buffer.alloc(length)]); // prettier-ignore
  frames[at] = frame(type, flags | 0x8, bytes.readUInt32BE(5), payload);
}

/** A few changes at any places. */
export function damagedSession(session: Session, random: Random): Session {
  const steps = session.steps.map(({ opens, frames }) => ({ opens, frames: [...frames] }));
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    // The first frames of all are the preface and SETTINGS: most damage belongs behind them.
    const step = random.oneIn(8) ? steps[0] : random.pick(steps);
    if (step === undefined) continue;
    const { frames } = step;
    if (frames.length === 0) frames.push(stray(random));
    else random.pick(MUTATIONS)(frames, random.below(frames.length), random);
  }
  const mood = random.oneIn(3) ? 'wild' : session.mood;
  const end = random.oneIn(10) ? random.below(steps.length + 1) : steps.length;
  return { role: session.role, seed: random.oneIn(8) ? random.below(0xffffffff) : session.seed, mood, steps: steps.slice(0, end) }; // prettier-ignore
}

/**
 * Any frames in any order, of a peer that keeps no rule, and any verbs between them: nothing is thrown but a WireError of the
 * connection, each stream is settled once and counted while it is open, and what is told does not depend on where the bytes
 * were cut.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WireError } from '../src/wire-error.js';
import {
  block,
  continuation,
  data,
  frame,
  goaway,
  headers,
  Lone,
  padded,
  ping,
  POST,
  REQUEST,
  rst,
  settings,
  windowUpdate,
} from './support/frames.js';

const RUNS = Number(process.env['HOTARU_H2_RUNS'] ?? 300);
const END = 0x1;

const id = fc.constantFrom(1, 1, 1, 3, 3, 5, 7, 2, 0);
const flags = fc.constantFrom(0x0, 0x1, 0x4, 0x5, 0x5, 0x4, 0x24, 0xd);
const fields = fc.constantFrom(
  block(':status: 200'),
  block(':status: 200', 'content-length: 3'),
  block(':status: 103'),
  block(':status: 204'),
  block(...REQUEST),
  block(...POST, 'content-length: 3'),
  block('x: 1'),
  block('Bad: 1'),
  Buffer.from('4003782d610131', 'hex'),
  Buffer.from([0xbe]),
  Buffer.alloc(0),
);
const number = fc.constantFrom(0, 1, 5, 1_000, 65_535, 0x7fffffff);
const bytes = fc.oneof(
  fc.tuple(id, fields, flags).map((of) => headers(...of)),
  fc.tuple(id, fields, flags).map((of) => headers(...of)),
  fc.tuple(id, fields, flags).map((of) => continuation(...of)),
  fc
    .tuple(id, fc.constantFrom('', 'a', 'abc', 'abcd'), fc.constantFrom(0, 0, END))
    .map((of) => data(...of)),
  fc.tuple(id, fc.nat(9)).map(([of, padding]) => padded(0, of, Buffer.from('ab'), padding)),
  fc.tuple(id, fc.constantFrom(0, 7, 8)).map((of) => rst(...of)),
  fc.tuple(id, number).map((of) => windowUpdate(...of)),
  fc.tuple(fc.integer({ min: 1, max: 8 }), number).map((of) => settings(of)),
  fc.constantFrom(ping('12345678'), ping('12345678', 1), goaway(0), goaway(1), goaway(0x7fffffff)),
  fc.tuple(fc.nat(12), fc.nat(255), id, fc.uint8Array({ maxLength: 12 })).map((of) => frame(...of)),
);

/** Something that is fed, or a verb. */
const step = fc.oneof(
  { weight: 4, arbitrary: bytes },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'open',
      'open',
      'openEnd',
      'reset',
      'end',
      'respond',
      'send',
      'pause',
      'resume',
    ),
  },
);

interface Told {
  log: string[];
  error: string;
  codec: Lone;
}

function play(
  role: 'client' | 'server',
  steps: (Buffer | string)[],
  cut: (all: Buffer) => Buffer[],
): Told {
  const codec = new Lone(role);
  let error = '';
  for (const each of steps) {
    if (typeof each === 'string') verb(codec, each);
    else
      try {
        for (const piece of cut(each)) codec.feed(piece);
      } catch (thrown) {
        if (!(thrown instanceof WireError) || thrown.scope !== 'connection') throw thrown;
        expect(error).toBe('');
        error = thrown.reason;
      }
  }
  const users = [...codec.calls, ...codec.side.served];
  for (const { log } of users) {
    const ends = log.filter((entry) => /^(end|failed)/.test(entry)).length;
    expect(ends).toBeLessThanOrEqual(1);
  }
  if (error !== '') expect(codec.codec.activeCount).toBe(0);
  const open = users.filter(({ stream }) => !stream.isClosed).length;
  expect(codec.codec.activeCount).toBe(open);
  const log = users.map((user) =>
    [
      ...user.log.filter((entry) => !entry.startsWith('data')),
      user.body,
      String(user.error),
    ].join(),
  );
  const closed = codec.side.log.filter((entry) => entry.startsWith('closed'));
  expect(new Set(closed).size).toBe(closed.length);
  expect(closed).toHaveLength(users.length - open);
  return {
    log: [...log, ...codec.side.log.filter((entry) => entry !== 'output'), ...codec.said()],
    error,
    codec,
  };
}

function verb(lone: Lone, name: string): void {
  const { codec } = lone;
  const users = lone.calls.length > 0 ? lone.calls : lone.side.served;
  const stream = users.at(-1)?.stream;
  if (name.startsWith('open')) {
    if (lone.side.served.length > 0 || codec.isLeaving) return;
    if (codec.activeCount >= codec.peer.maxConcurrentStreams) return;
    try {
      lone.request({}, name === 'openEnd');
    } catch (error) {
      // A server opens none.
      lone.calls.pop();
      expect(String(error)).toContain('no stream may be opened here');
    }
  } else if (stream === undefined || stream.isClosed) return;
  else if (name === 'reset') stream.reset(8);
  else if (name === 'pause') stream.pause();
  else if (name === 'resume') stream.resume();
  else
    try {
      if (name === 'respond') stream.respond(200, [], false);
      else if (name === 'end') stream.end();
      else if (stream.room > 0) stream.send(Buffer.from('abc'), 0, Math.min(3, stream.room), false);
    } catch (error) {
      // A message that has ended, or not begun: nothing of it may be written.
      expect(error).toBeInstanceOf(Error);
    }
}

describe.each(['client', 'server'] as const)('any frames to a %s', (role) => {
  it('are taken without a crash, and each stream is settled once, wherever they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 13 }),
        (steps, size) => {
          const whole = play(role, steps, (all) => [all]);
          const cut = play(role, steps, (all) =>
            Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
              all.subarray(i * size, (i + 1) * size),
            ),
          );
          expect([cut.log, cut.error]).toEqual([whole.log, whole.error]);
          whole.codec.codec.fail(new Error('lost'));
          expect(whole.codec.codec.activeCount).toBe(0);
        },
      ),
      { numRuns: RUNS * 2 },
    );
  });
});

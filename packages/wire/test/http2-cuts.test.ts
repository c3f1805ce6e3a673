/**
 * Whole HTTP/2 sessions, cut at every byte, in both roles: the network says nothing by where it cuts. Events, errors and what is
 * written are the same as when all came at once.
 */
import { describe, expect, it } from 'vitest';
import { readSession } from './support/http2-reading.js';
import { damagedSession, frame, validSession, type Session } from './support/http2-sessions.js';
import type { Role } from './support/http2-user.js';
import { Random, seedOf, showSeed } from './support/random.js';

const RUN = Number(process.env.FUZZ_SEED ?? 0x9113);

function lengthOf({ steps }: Session): number {
  return steps.flatMap(({ frames }) => frames).reduce((sum, one) => sum + one.length, 0);
}

/** Short ones: each is read once for each byte it has. */
function sessionsOf(role: Role, count: number): Session[] {
  const sessions: Session[] = [];
  for (let i = 0; sessions.length < count; i += 1) {
    const session = validSession(seedOf(RUN, i));
    const bytes = lengthOf(session);
    if (session.role !== role || bytes < 300 || bytes > 700) continue;
    // One in which no message comes whole says little.
    const { log } = readSession(session, undefined, false);
    if (log.some((entry) => entry.includes(' end '))) sessions.push(session);
  }
  return sessions;
}

/** Reads it whole, cut in two at each byte of it, and byte by byte. */
function expectSame(session: Session): ReturnType<typeof readSession> {
  const whole = readSession(session, undefined, false);
  const length = lengthOf(session);
  for (let at = 1; at <= length; at += 1) {
    const { log, error, output } = readSession(session, at === length ? 'each' : at, false);
    if (output !== whole.output || error !== whole.error || log.join() !== whole.log.join())
      expect([showSeed(session.seed), at, error, log]).toEqual([showSeed(session.seed), at, whole.error, whole.log]); // prettier-ignore
  }
  return whole;
}

describe.each(['client', 'server'] as const)('what comes in at a %s, cut at every byte', (role) => {
  it.each(sessionsOf(role, 4).map((session) => [showSeed(session.seed), session] as const))(
    'is the same session: %s',
    (_seed, session) => {
      expect(expectSame(session).error).toBe('');
    },
  );

  it('is the same error, wherever in a damaged session it stands', () => {
    const errors = new Set<string>();
    for (const [i, session] of sessionsOf(role, 2).entries())
      for (let time = 0; time < 5; time += 1) {
        const damaged = damagedSession(session, new Random(seedOf(RUN ^ 0xdead, i * 5 + time)));
        // A flood is a long one.
        if (lengthOf(damaged) < 1_000) errors.add(expectSame(damaged).error);
      }
    expect(errors.size).toBeGreaterThan(2);
  });

  it('is the same when every frame is padded, carries a priority, or is in three parts', () => {
    // A request, or a response, by indices of the static table.
    const block = role === 'client' ? [0x88] : [0x82, 0x87, 0x84, 0x01, 0x01, 0x61];
    const body = Buffer.from('some bytes of a body');
    const steps = [
      [...(role === 'server' ? [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')] : []), frame(4, 0, 0, Buffer.alloc(0)), frame(4, 1, 0, Buffer.alloc(0))], // prettier-ignore
      [
        frame(1, 0x8 | 0x20, 1, Buffer.from([3, 0, 0, 0, 0, 0, ...block.slice(0, 1), 0, 0, 0])),
        frame(9, 0, 1, Buffer.from(block.slice(1, 2))),
        frame(9, 4, 1, Buffer.from(block.slice(2))),
        frame(0, 8, 1, Buffer.concat([Buffer.from([5]), body, Buffer.alloc(5)])),
        frame(0x42, 0xff, 7, Buffer.from('of an unknown type')),
        frame(0, 9, 1, Buffer.from([1, 0])),
      ],
    ].map((frames, i) => ({ opens: role === 'client' && i === 1, frames }));
    const seed = Array.from({ length: 99 }, (_, i) => i).find((i) => readSession({ role, seed: i, mood: 'calm', steps }, undefined, false).log.some((entry) => entry.startsWith(`1 end ${body.length}`))); // prettier-ignore
    const { error } = expectSame({ role, seed: seed ?? 0, mood: 'calm', steps });
    expect(seed).toBeDefined();
    expect(error).toBe('');
  });
});

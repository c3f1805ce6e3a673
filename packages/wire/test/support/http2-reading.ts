/** Reads a whole HTTP/2 session with a fresh codec and user, cut in any way, and checks what must hold for every input. */
import { createHash } from 'node:crypto';
import { WireError } from '../../src/index.js';
import { framesOf, type Session } from './http2-sessions.js';
import { User, UserError } from './http2-user.js';
import { Random } from './random.js';
import { must, piecesOf, randomCuts } from './reading.js';

export interface HttpReading {
  readonly log: readonly string[];
  /** The reason of the connection's error, or ''. */
  readonly error: string;
  /** A digest of all that was written. */
  readonly output: string;
  readonly bytes: number;
  readonly streams: number;
  readonly mostOutputBytes: number;
}

/** Where what comes in is cut: at random places of each step, at one byte of the whole session, at each, or between steps alone. */
export type Cuts = Random | number | 'each' | undefined;

/**
 * @param isBusy what is to be written is taken behind each piece, and the socket is full now and then; else behind each step.
 */
export function readSession(session: Session, cuts: Cuts, isBusy: boolean): HttpReading {
  const user = new User(session.role, session.seed, session.mood);
  const { codec } = user;
  const hash = createHash('sha1');
  let bytes = 0;
  let mostOutputBytes = 0;
  const write = (): void => {
    mostOutputBytes = Math.max(mostOutputBytes, codec.outputBytes);
    const output = codec.takeOutput();
    if (output === undefined) return;
    framesOf(output);
    hash.update(output);
  };
  let error: unknown;
  try {
    for (const step of session.steps) {
      if (step.opens) user.open();
      write();
      const came = Buffer.concat(step.frames);
      const pieces = piecesOf(came, cutsOf(came.length, bytes, cuts));
      bytes += came.length;
      for (const piece of pieces) {
        codec.feed(piece);
        if (!isBusy) continue;
        if (cuts instanceof Random && cuts.oneIn(4)) codec.setBlocked(cuts.oneIn(2));
        else write();
      }
      user.between();
      write();
    }
  } catch (thrown) {
    error = thrown;
  }
  write();
  try {
    codec.fail(new Error('lost'));
  } catch (thrown) {
    error ??= thrown;
  }
  // Whatever it was, it is one that may be: the peer's fault, or what the user has thrown.
  if (error !== undefined && !(error instanceof WireError || error instanceof UserError))
    throw error;
  user.checkSettled();
  user.isOver = true;
  // What comes behind the end is not taken.
  codec.feed(Buffer.from('more'));
  codec.fail(new Error('lost again'));
  must(codec.isLeaving, 'what is over takes no request');
  write();
  const reason =
    error instanceof WireError ? error.reason : error instanceof Error ? error.message : '';
  return { log: user.log, error: reason, output: hash.digest('hex'), bytes, streams: user.streams.length, mostOutputBytes }; // prettier-ignore
}

/** @param before bytes of the steps before. */
function cutsOf(length: number, before: number, cuts: Cuts): number[] {
  if (cuts instanceof Random) return randomCuts(cuts, length);
  if (cuts === 'each') return Array.from({ length }, (_, i) => i);
  return cuts !== undefined && cuts > before && cuts < before + length ? [cuts - before] : [];
}

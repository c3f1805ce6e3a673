/**
 * Turns of the event loop.
 *
 * Bytes that wait in an idle socket must not answer the next request (response-queue poisoning,
 * GHSA-35p6-xmwp-9g52; docs/rules.md, rule 2). So before a request is written to a connection that was idle, every
 * readable socket is polled once more. A timer would cost a millisecond, an unref'd immediate up to a
 * whole poll (undici#5493). One ref'd immediate is not enough either: a request made in the poll phase
 * would be written in the check phase of the same turn, and what arrived since that poll began would
 * never be seen. Hence two, with a whole poll between them that has nothing to wait for:
 *
 *     … poll: a request comes in │ check │ poll: sockets are read │ check: the request is written …
 */

/** Something that waits for a whole poll phase. */
export interface PolledTask {
  onPolled(): void;
}

/** Something that writes once a turn: what all that ran in the turn has left to be written. */
export interface TurnTask {
  onTurnEnd(): void;
}

let isScheduled = false;
let isChecking = false;
/** Enrolled since the last check phase; and those for whom a whole poll has begun. */
let enrolled: PolledTask[] = [];
let polling: PolledTask[] = [];
let ending: TurnTask[] = [];

/** Runs `task.onPolled()` once every socket that is readable now has been read. */
export function afterPoll(task: PolledTask): void {
  enrolled.push(task);
  schedule();
}

/**
 * Runs `task.onTurnEnd()` in the check phase of this turn, behind all that has been polled for: what is asked for in one
 * read, and what follows from it in microtasks, goes out in one write.
 */
export function atTurnEnd(task: TurnTask): void {
  ending.push(task);
  if (!isChecking) schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(onCheck);
}

function onCheck(): void {
  isScheduled = false;
  const due = polling;
  polling = enrolled;
  enrolled = [];
  if (polling.length > 0) schedule();
  isChecking = true;
  for (const task of due)
    try {
      task.onPolled();
    } catch (error) {
      rethrowLater(error);
    }
  isChecking = false;
  if (ending.length > 0) endTurn();
}

function endTurn(): void {
  const due = ending;
  ending = [];
  for (const task of due)
    try {
      task.onTurnEnd();
    } catch (error) {
      rethrowLater(error);
    }
}

/** A defect, to be heard of; but those behind it must not wait for ever. */
function rethrowLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

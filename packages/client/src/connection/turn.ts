/**
 * Turns of the event loop, seen from the poll phase.
 *
 * Bytes that wait in an idle socket must not answer the next request (response-queue poisoning,
 * GHSA-35p6-xmwp-9g52; pool.md, poison). So a request is not written to a connection that was idle until
 * every readable socket has been polled once: its write is queued and flushed in the check phase of
 * the same turn. A timer would cost a millisecond, an unref'd immediate up to a whole poll
 * (undici#5493); a ref'd immediate runs right after this poll phase.
 *
 *      timers → poll: sockets are read, requests come in → check: writes go out, idle sockets unref'd
 */

/** Something that waits for the check phase. */
export interface TurnTask {
  onTurnEnd(): void;
}

let turn = 1;
let isScheduled = false;
let tasks: TurnTask[] = [];

/** The number of this turn; it changes once the poll phase under way is over. */
export function currentTurn(): number {
  if (!isScheduled) {
    isScheduled = true;
    setImmediate(endTurn);
  }
  return turn;
}

/** Runs `task.onTurnEnd()` when this turn's poll phase is over. */
export function atTurnEnd(task: TurnTask): void {
  currentTurn();
  tasks.push(task);
}

function endTurn(): void {
  isScheduled = false;
  turn += 1;
  const due = tasks;
  tasks = [];
  for (const task of due) task.onTurnEnd();
}

/** Waiting for what has to come, and nothing else: no test sleeps and hopes. */

/** A bound on a hang, never a wait. */
const GUARD_MS = 10_000;

/** Lets the event loop turn until the condition holds; an error saying `what` when it never does. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAtMs = performance.now() + GUARD_MS;
  for (let turns = 0; !condition(); turns += 1) {
    if (performance.now() > giveUpAtMs) throw new Error(`it never came true: ${what}`);
    // After a while, leave the processor to what is being waited for.
    await new Promise((resolve) => {
      if (turns < 100) setImmediate(resolve);
      else setTimeout(resolve, 1);
    });
  }
}

/** What the promise rejected with; an error when it did not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${String(value)}`);
    },
    (error: unknown) => error,
  );
}

/**
 * Collects garbage, and lets finalizers run, until the condition holds or it has been done `times`
 * times. Tests run with `--expose-gc`.
 */
export async function collectGarbage(condition?: () => boolean, times = 50): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run with --expose-gc (vitest.config.ts says so)');
  for (let i = 0; i < times; i += 1) {
    if (condition?.() === true) return;
    gc();
    // Finalizers run in a task of their own, after the collection.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

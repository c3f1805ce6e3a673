/** Waiting without sleeping: for turns of the event loop, and for promises with a guard. */

/**
 * Lets every socket of this process be polled once. The first immediate ends the current turn; the
 * second comes after the poll phase of the next, in which whatever was readable has been read.
 */
export async function turn(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}

/** `promise`, or an error saying `otherwise` after `guardMs`: a bound on a hang, never a wait. */
export async function within<T>(
  promise: Promise<T>,
  guardMs: number,
  otherwise: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const guard = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} within ${guardMs} ms`)), guardMs);
  });
  try {
    return await Promise.race([promise, guard]);
  } finally {
    clearTimeout(timer);
  }
}

/** Disposing of what a container has made. */
import type { Logger } from '../log/logger.js';

interface Disposable {
  [Symbol.asyncDispose]?: () => unknown;
  [Symbol.dispose]?: () => unknown;
  dispose?: () => unknown;
}

/** The last made first, one after the other. What one throws is logged, and the others go on. */
export async function disposeAll(made: readonly unknown[], log: Logger): Promise<void> {
  for (const instance of [...made].reverse()) {
    try {
      await disposerOf(instance)?.call(instance);
    } catch (error) {
      log.error({ err: error }, `disposing of ${nameOf(instance)} failed`);
    }
  }
}

/** One of the three, in this order. */
function disposerOf(instance: unknown): (() => unknown) | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const disposable = instance as Disposable;
  for (const candidate of [
    disposable[Symbol.asyncDispose],
    disposable[Symbol.dispose],
    disposable.dispose,
  ])
    if (typeof candidate === 'function') return candidate;
  return undefined;
}

/** An instance may be anything that a constructor returns: an object without a prototype, a proxy. */
function nameOf(instance: unknown): string {
  try {
    return (instance as object).constructor.name;
  } catch {
    return 'an instance';
  }
}

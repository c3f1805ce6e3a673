/** Waiting for something that changes, woken by each change; with a bound on a hang. */

const GUARD_MS = 10_000;

export class Watch {
  readonly #checks = new Set<() => void>();

  /** Something has changed. */
  changed(): void {
    for (const check of this.#checks) check();
  }

  /** @throws Error saying `what` when it does not come true in `guardMs`; Infinity: it may never. */
  async until(condition: () => boolean, what: string, guardMs = GUARD_MS): Promise<void> {
    if (condition()) return;
    let check: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    const met = new Promise<void>((resolve, reject) => {
      check = () => {
        if (condition()) resolve();
      };
      if (guardMs === Infinity) return;
      timer = setTimeout(() => reject(new Error(`it never came true: ${what}`)), guardMs);
    });
    this.#checks.add(check);
    try {
      await met;
    } finally {
      clearTimeout(timer);
      this.#checks.delete(check);
    }
  }
}

/**
 * Work that outlives its request: what was handed to `ctx.waitUntil()`, and what a request disposes of. An app
 * that stops waits for it, as long as the drain lasts.
 */
interface Work {
  readonly done: Promise<void>;
  /** Ends what the work may still do for its request: its outbound calls. */
  readonly cut: () => void;
}

export class Background {
  readonly #work = new Set<Work>();

  /** @param done never rejects. */
  add(done: Promise<void>, cut: () => void): void {
    const work = { done, cut };
    this.#work.add(work);
    void done.then(() => this.#work.delete(work));
  }

  /**
   * Resolves when all of it is done, also what is added meanwhile, at the latest after `timeoutMs`, when the
   * rest is cut.
   *
   * @returns how much was cut.
   */
  async drain(timeoutMs: number): Promise<number> {
    const untilMs = performance.now() + timeoutMs;
    while (this.#work.size > 0 && performance.now() < untilMs) {
      let timer: NodeJS.Timeout | undefined;
      const timeUp = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.ceil(untilMs - performance.now()));
      });
      await Promise.race([timeUp, Promise.all([...this.#work].map(({ done }) => done))]);
      clearTimeout(timer);
    }
    for (const { cut } of this.#work) cut();
    return this.#work.size;
  }
}

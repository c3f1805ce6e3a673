/**
 * Slots wanted that no caller waits for (warm-up, `minIdle`): places for callers to come, one for each idle connection
 * or several on one that is shared. Each is settled once: a connection has it, a dial failed, or there was no room for
 * one. How many dials they get is left to the dialer.
 */

class Spare {
  readonly over: Promise<void>;
  settle: () => void = () => undefined;

  /** `isAwaited`: does `warm()` wait for it, or did only the sweeper ask? */
  constructor(public isAwaited: boolean) {
    this.over = new Promise((resolve) => (this.settle = resolve));
  }
}

export class Spares {
  readonly #spares: Spare[] = [];

  get count(): number {
    return this.#spares.length;
  }
  /** Does a caller wait for any of them? */
  get areAwaited(): boolean {
    return this.#spares.some(({ isAwaited }) => isAwaited);
  }

  /** `count` of them, those that were wanted before among them: two callers that warm up a host want the same ones. */
  want(count: number, isAwaited: boolean): Promise<unknown> {
    while (this.#spares.length < count) this.#spares.push(new Spare(isAwaited));
    const wanted = this.#spares.slice(0, count);
    if (isAwaited) for (const spare of wanted) spare.isAwaited = true;
    return Promise.all(wanted.map(({ over }) => over));
  }

  settle(count: number): void {
    for (const spare of this.#spares.splice(0, count)) spare.settle();
  }

  /** There will be no more than `keptCount`. */
  drop(keptCount = 0): void {
    if (this.#spares.length <= keptCount) return;
    for (const spare of this.#spares.splice(keptCount)) spare.settle();
  }
}

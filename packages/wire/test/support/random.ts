/** Seeded random numbers: the same seed gives the same run on every machine, so a failure is a number. */

/** mulberry32: small, fast, and good enough to choose with. */
export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `bound` − 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** `count` things made by `make`. */
  several<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** How a seed is printed, and can be typed again. */
export function showSeed(seed: number): string {
  return `0x${(seed >>> 0).toString(16).padStart(8, '0')}`;
}

/** Neighbouring indexes give unlike seeds. */
export function seedOf(run: number, index: number): number {
  return Math.imul((run ^ (index + 0x9e3779b9)) | 0, 0x85ebca6b) >>> 0;
}

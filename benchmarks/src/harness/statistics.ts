/** The few statistics the reports need. None of these changes its argument. */

/** By nearest rank, of values in any order; NaN where there are none. */
export function quantiles(values: ArrayLike<number>, shares: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return shares.map(
    (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN,
  );
}

export function median(values: ArrayLike<number>): number {
  return quantiles(values, [0.5])[0] ?? Number.NaN;
}

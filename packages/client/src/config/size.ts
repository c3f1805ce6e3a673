/** Sizes as people write them: a number of bytes, or a string such as `'10mb'`. */

/**
 * A number is bytes; a string is a number with a unit: `b`, `kb`, `mb` or `gb`, in any case, also written `KiB`,
 * `MiB`, `GiB`. Each is 1024 times the one before.
 */
export type Size = number | string;

const UNIT_BYTES: Record<string, number> = { b: 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 };
const PATTERN = /^(\d+(?:\.\d+)?)\s*(?:(b)|([kmg])i?b)$/i;

/** Whole bytes, rounded down, or undefined when it is no size. The caller names the key in its error. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value : undefined; // NaN fails the comparison
  if (typeof value !== 'string') return undefined;
  const match = PATTERN.exec(value.trim());
  if (match === null) return undefined;
  const unit = (match[2] ?? match[3] ?? '').toLowerCase();
  return Math.floor(Number(match[1]) * (UNIT_BYTES[unit] ?? Number.NaN));
}

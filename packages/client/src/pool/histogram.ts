/**
 * A histogram of waits in fixed memory: eight buckets to each doubling, from 1 µs to over an hour, so
 * a percentile is right within 9 %. Recording is O(1) and allocates nothing.
 */
import { CONSTANTS } from '../config/constants.js';

const BUCKETS_PER_DOUBLING = CONSTANTS.histogramBucketsPerDoubling;
const SMALLEST_MS = CONSTANTS.histogramSmallestMs;
const BUCKET_COUNT = CONSTANTS.histogramDoublings * BUCKETS_PER_DOUBLING;

export interface WaitSummary {
  count: number;
  /** All in milliseconds; 0 when nothing was recorded. */
  mean: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export class Histogram {
  #count = 0;
  #instant = 0;
  #sumMs = 0;
  #maxMs = 0;
  #buckets: Uint32Array | undefined = undefined;

  /** The common case, a wait of nothing, costs one addition. */
  recordInstant(): void {
    this.#count += 1;
    this.#instant += 1;
  }

  record(ms: number): void {
    if (ms <= 0) {
      this.recordInstant();
      return;
    }
    this.#count += 1;
    this.#sumMs += ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
    this.#buckets ??= new Uint32Array(BUCKET_COUNT);
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  add(other: Histogram): void {
    this.#count += other.#count;
    this.#instant += other.#instant;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
    if (other.#buckets === undefined) return;
    const buckets = (this.#buckets ??= new Uint32Array(BUCKET_COUNT));
    for (let i = 0; i < BUCKET_COUNT; i += 1)
      buckets[i] = (buckets[i] ?? 0) + (other.#buckets[i] ?? 0);
  }

  summary(): WaitSummary {
    return {
      count: this.#count,
      mean: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50: this.#percentile(0.5),
      p95: this.#percentile(0.95),
      p99: this.#percentile(0.99),
      max: this.#maxMs,
    };
  }

  /** The upper edge of the bucket that holds the wanted rank, never more than the maximum seen. */
  #percentile(share: number): number {
    const rank = Math.ceil(this.#count * share);
    let seen = this.#instant;
    if (rank <= seen || this.#buckets === undefined) return 0;
    for (let i = 0; i < BUCKET_COUNT; i += 1) {
      seen += this.#buckets[i] ?? 0;
      if (seen >= rank)
        return Math.min(this.#maxMs, SMALLEST_MS * 2 ** ((i + 1) / BUCKETS_PER_DOUBLING));
    }
    return this.#maxMs;
  }
}

function bucketOf(ms: number): number {
  const bucket = Math.floor(Math.log2(ms / SMALLEST_MS) * BUCKETS_PER_DOUBLING);
  return Math.min(BUCKET_COUNT - 1, Math.max(0, bucket));
}

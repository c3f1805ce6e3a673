import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from './histogram.js';

const MAX_ERROR = 2 ** (1 / 8); // one bucket

describe('Histogram', () => {
  it('is all zeros before anything is recorded (flaw 7)', () => {
    expect(new Histogram().summary()).toEqual({
      count: 0,
      mean: 0,
      p50: 0,
      p95: 0,
      p99: 0,
      max: 0,
    });
  });

  it('counts waits of nothing without pulling percentiles off zero', () => {
    const histogram = new Histogram();
    for (let i = 0; i < 99; i += 1) histogram.recordInstant();
    histogram.record(0);
    histogram.record(-1); // a clock that went back
    histogram.record(50);
    const { count, p50, p95, p99, max, mean } = histogram.summary();
    expect([count, p50, p95, p99, max]).toEqual([102, 0, 0, 0, 50]);
    expect(mean).toBeCloseTo(50 / 102);
  });

  it('has the true mean and maximum, and percentiles at most 9 % above the exact ones', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constant(0),
            fc.double({ min: 0.001, max: 3_600_000, noNaN: true }),
            fc.double({ min: 0.5, max: 20, noNaN: true }),
            fc.nat(10_000),
          ),
          { minLength: 1, maxLength: 400 },
        ),
        (values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.record(value);
          const sorted = [...values].sort((a, b) => a - b);
          const summary = histogram.summary();
          expect(summary.count).toBe(values.length);
          expect(summary.max).toBe(sorted.at(-1));
          const sum = values.reduce((total, value) => total + value, 0);
          expect(summary.mean).toBeCloseTo(sum / values.length, 6);
          for (const [share, estimate] of [
            [0.5, summary.p50],
            [0.95, summary.p95],
            [0.99, summary.p99],
          ] as const) {
            const exact = sorted[Math.ceil(values.length * share) - 1] ?? 0;
            expect(estimate).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
            expect(estimate).toBeLessThanOrEqual(exact * MAX_ERROR * (1 + 1e-9));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('adds another as if all had been recorded in one', () => {
    const waits = fc.array(
      fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true })),
    );
    fc.assert(
      fc.property(waits, waits, (some, others) => {
        const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()];
        for (const ms of some) a.record(ms);
        for (const ms of others) b.record(ms);
        for (const ms of [...some, ...others]) both.record(ms);
        a.add(b);
        const { mean, ...rest } = a.summary();
        const { mean: expected, ...others2 } = both.summary();
        expect(rest).toEqual(others2);
        expect(mean).toBeCloseTo(expected, 6);
      }),
    );
  });

  it('takes what no bucket fits into: the smallest and the largest bucket hold it', () => {
    const histogram = new Histogram();
    histogram.record(1e-9);
    histogram.record(1e12);
    expect(histogram.summary()).toMatchObject({ count: 2, p50: expect.any(Number), max: 1e12 });
  });
});

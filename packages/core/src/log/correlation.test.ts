import { expect, it } from 'vitest';
import { checkCorrelation, Correlation } from './correlation.js';

it('no two traces and no two spans are the same, however many are made', () => {
  const seen = new Set<string>();
  const request = { fields: [] };
  for (let i = 0; i < 2_000; i += 1) {
    const correlation = new Correlation(request, checkCorrelation(), false);
    const [first = '', second = ''] = [correlation.fields(), correlation.fields()].map(
      (fields) => new Map(fields).get('traceparent') ?? '',
    );
    expect(first).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
    const [, trace = '', span = ''] = first.split('-');
    const [, sameTrace, nextSpan = ''] = second.split('-');
    expect(sameTrace).toBe(trace);
    for (const id of [trace, span, nextSpan]) seen.add(id);
  }
  expect(seen.size).toBe(3 * 2_000);
});

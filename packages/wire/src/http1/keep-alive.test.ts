import { expect, it } from 'vitest';
import { parseKeepAlive } from './keep-alive.js';

it.each([
  ['', undefined, undefined],
  ['timeout=5', 5_000, undefined],
  ['timeout=5, max=100', 5_000, 100],
  ['max=0;Timeout = "7"', 7_000, 0],
  ['MAX=3', undefined, 3],
  ['xtimeout=5, ymax=3', undefined, undefined],
  ['timeout=x, max=-1', undefined, undefined],
])('%j: %j ms, %j requests', (text, timeoutMs, max) => {
  expect(parseKeepAlive(text)).toEqual({ timeoutMs, max });
});

/** How many callers one connection takes is shown where a caller waits in vain for it, and in the statistics. */
import { expect, it } from 'vitest';
import { FakePool } from '../../test/support/fake-pool.js';
import { acquireTimeout } from './host-report.js';
import { statsOf } from './stats.js';

it.each([
  [
    0,
    '0 active, 1 idle, 0 connecting, of at most 1 (maxPerHost); over HTTP/2, and the peer takes no calls for now (its stream limit is 0); 1 in line',
  ],
  [
    1,
    '1 active, 0 idle, 0 connecting, of at most 1 (maxPerHost); over HTTP/2, and each takes 1 call at once; 1 in line',
  ],
  [2, 'each takes 2 calls at once; 1 in line'],
  ['exclusive', '1 active, 0 idle, 0 connecting, of at most 1 (maxPerHost); 1 in line'],
] as const)('a limit of %s', (speech, words) => {
  const host = new FakePool({ maxPerHost: 1 }).host('a', {}, 'unknown');
  expect(statsOf(host.hostPool).callsPerConnection).toBe(null);
  host.speech = speech;
  for (let served = 0; served <= (speech === 'exclusive' ? 1 : speech); served += 1) host.acquire();
  host.connect();
  const error = acquireTimeout(host.hostPool, 300, 'acquireTimeout');
  expect(error.message).toContain(words);
  expect(statsOf(host.hostPool).callsPerConnection).toBe(speech === 'exclusive' ? 1 : speech);
});

/** Warm-up of origins whose first dial says how many callers one connection takes: many, few or none. */
import { describe, expect, it } from 'vitest';
import { FakePool, type FakeHost, type Speech } from '../../test/support/fake-pool.js';
import type { PoolConfigInput } from '../config/pool-config.js';

function unknownHost(speech: Speech, config: PoolConfigInput = {}): FakeHost {
  const host = new FakePool(config).host('a', {}, 'unknown');
  host.speech = speech;
  return host;
}

/** What `warm()` resolves with when every dial succeeds. */
async function warmed(host: FakeHost, count: number): Promise<number> {
  let ready: number | undefined;
  void host.hostPool.warm(count).then((number) => (ready = number));
  for (let turn = 0; turn < 1000 && ready === undefined; turn += 1) {
    if (host.dials.length > 0) host.connect();
    else await Promise.resolve();
  }
  if (ready === undefined) throw new Error('warm() is not over');
  return ready;
}

describe('warm-up of an origin not seen before', () => {
  it('goes on where one connection turns out to take many: beyond what idle connections of one call each would serve', async () => {
    const host = unknownHost(100, { maxIdlePerHost: 10 });
    expect(await warmed(host, 200)).toBe(200);
    expect(host.connections).toHaveLength(2);
  });

  it('ends at the limits, whatever it was asked for', async () => {
    const host = unknownHost(5, { maxIdlePerHost: 3 });
    expect(await warmed(host, 1000)).toBe(15);
    expect(host.connections).toHaveLength(3);
    const exclusive = unknownHost('exclusive', { maxIdlePerHost: 3 });
    expect(await warmed(exclusive, 1000)).toBe(3);
  });
});

describe('a peer that takes no callers', () => {
  it.each(['unknown', 'shared'] as const)(
    'is not warm (%s): one connection shows it, each time that it is asked for',
    async (known) => {
      const host = new FakePool().host('a', {}, known, 100);
      host.speech = 0;
      expect(await warmed(host, 5)).toBe(0);
      expect(host.connections).toHaveLength(1);
      expect(await warmed(host, 5)).toBe(0);
      expect(host.connections).toHaveLength(2);
      expect(host.hostPool.lastDialError?.message).toContain('takes no requests');
      host.connections[0]?.setLimit(3);
      expect(await warmed(host, 3)).toBe(3);
      expect(host.connections).toHaveLength(2);
    },
  );

  it('gets no further connection by each sweep, where minIdle wants some', () => {
    const host = unknownHost(0, { minIdle: 5 });
    for (let turn = 0; turn < 5; turn += 1) {
      host.sweep();
      while (host.dials.length > 0) host.connect();
      host.pool.clock.advance(1000);
    }
    expect(host.connections).toHaveLength(1);
  });
});

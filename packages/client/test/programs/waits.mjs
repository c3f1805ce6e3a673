/**
 * A program that has nothing but a pending call to keep it alive, for alive.test.ts.
 *
 *     node waits.mjs until-up http://127.0.0.1:8080     asks until the service answers
 *     node waits.mjs in-line http://127.0.0.1:8080      waits for the only connection, which is never given back
 *     node waits.mjs drain http://127.0.0.1:8080        drains a pool whose only connection is never given back
 *     node waits.mjs warm http://127.0.0.1:8080         warms a host that refuses
 *     node waits.mjs nothing http://127.0.0.1:8080      has an answer, and must end at once
 */
import { ConnectionPool } from '@hotaru/client';

const [, , what, url] = process.argv;
const pool = new ConnectionPool({ maxPerHost: 1, acquireTimeout: '300ms' });

/** A peer that sends and a reader that has stopped: the socket is paused, and keeps nothing alive. */
async function holdPaused() {
  const lease = await pool.acquire(url);
  await lease.write('GET /flood HTTP/1.1\r\nhost: x\r\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 200));
  return lease;
}

const PLANS = {
  'until-up': async () => {
    for (let failures = 0; ; failures += 1) {
      const res = await pool.sendRequest(url).catch(() => undefined);
      if (res !== undefined) return `up after ${failures >= 3 ? 'a back-off' : failures}`;
      if (failures === 3) console.log('backing off');
    }
  },
  'in-line': async () => {
    globalThis.held = await holdPaused();
    return pool.sendRequest(url).catch((error) => error.code);
  },
  drain: async () => {
    globalThis.held = await holdPaused();
    await pool.drain({ timeout: '300ms' });
    return 'drained';
  },
  warm: async () => {
    const wide = new ConnectionPool();
    const calls = Array.from({ length: 8 }, () => wide.sendRequest(url).catch(() => undefined));
    await Promise.all(calls);
    return `warm: ${await wide.warm(url, 1)}`;
  },
  nothing: async () => {
    const res = await pool.sendRequest(url, {}, { timeout: '1h' });
    await res.text();
    return 'answered';
  },
};

console.log(await PLANS[what]());

/**
 * A program under load, for drain.test.ts: sends as much as it can until SIGTERM, then drains its
 * pool, says on stdout what became of every request it began, and ends because nothing is left.
 *
 *     node drained.mjs http://127.0.0.1:8080
 */
import { ConnectionPool, jsonRequest } from '@hotaru/client';

const CALLERS = 64;

const url = process.argv[2] ?? '';
const pool = new ConnectionPool({ maxPerHost: 8 });
const stopCleanup = pool.startCleanupTask();
const counts = { started: 0, answered: 0, wrong: 0, refused: 0, failed: [] };

async function caller() {
  for (;;) {
    const id = String(counts.started);
    counts.started += 1;
    const request =
      counts.started % 2 === 0 ? jsonRequest(`/${id}`, { id }) : { path: `/${id}`, method: 'GET' };
    try {
      const res = await pool.sendRequest(url, request);
      const text = await res.text();
      if (text === `${request.method} /${id}`) counts.answered += 1;
      else counts.wrong += 1;
    } catch (error) {
      // The pool admits nothing once it drains: this request never began.
      if (error.code === 'HOTARU_POOL_CLOSED') counts.refused += 1;
      else counts.failed.push(`${error.code}: ${error.message}`);
      return;
    }
  }
}

process.once('SIGTERM', () => {
  const drained = pool.drain();
  console.log('draining');
  void drained.then(async () => {
    await Promise.all(callers);
    stopCleanup();
    const { idle, active, connecting, waiting } = pool.stats();
    console.log(JSON.stringify({ ...counts, gauges: { idle, active, connecting, waiting } }));
  });
});

const callers = Array.from({ length: CALLERS }, caller);

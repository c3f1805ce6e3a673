import { ConnectionPool, RequestScope } from '@hotaru/client';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { it } from 'vitest';
import { attempt } from './support.js';
it('x', async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.respondAlways({ body: 'x'.repeat(100_000) });
  const pool = new ConnectionPool({ maxPerHost: 2 });
  const scope = new RequestScope();
  const r = await pool.sendRequest(`${upstream.url}/left`, {}, {}, scope);
  console.log(r.status, upstream.accepted);
  const p = attempt(pool, upstream.url, { path: '/read' }, { timeout: 300 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  console.log(upstream.accepted, upstream.requests.length, upstream.connections.map((c) => c.bytesReceived), JSON.stringify(pool.stats(), null, 1));
  console.log(await p);
  scope.end();
  pool.close();
});

/** What the demo logs when its services are away: lines that a log collector can read, and one for each failure. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Program } from '../../../tests/run-program.js';

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The names of a flat JSON object as they are written, twice if they are there twice. */
function namesIn(line: string): string[] {
  const flat = line.replace(/:\{[^{}]*\}/g, ':0'); // errors have fields of their own
  return [...flat.matchAll(/[{,]"(\w+)":/g)].map((match) => match[1] ?? '');
}

it('names the call that failed, once for each failure, and no field twice', async () => {
  const upstream = `http://127.0.0.1:${await closedPort()}`;
  await using demo = new Program('apps/demo/dist/main.js', {
    DEMO_BINDING: '127.0.0.1:0',
    DEMO_UPSTREAM: upstream,
    HOTARU_LOG: 'json',
  });
  const url = (await demo.prints(/storefront gateway on (http\S+)/))[1] ?? '';
  expect((await fetch(`${url}/products/7?token=hunter2`)).status).toBe(502);
  await demo.prints(/"msg":"request"/);
  const lines = demo.output.split('\n').filter((line) => line.startsWith('{'));
  for (const line of lines) {
    const names = namesIn(line);
    expect(names.length).toBeGreaterThan(4);
    expect(new Set(names).size, line).toBe(names.length);
  }
  const failures = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const named = failures.filter((line) => line['err'] !== undefined);
  // Those of the parts are there only if they failed before the page did.
  const paths = named.map((line) => (line['err'] as { path: string }).path);
  expect(new Set(paths).size).toBe(paths.length);
  expect(named.find((line) => line['msg'] === 'an upstream call failed')).toMatchObject({
    method: 'GET',
    path: '/products/7',
    err: { code: 'HOTARU_CONNECT_FAILED', origin: upstream, phase: 'connect' },
  });
  expect(demo.output).not.toContain('hunter2');
});

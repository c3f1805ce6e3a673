import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Program } from '../../../tests/run-program.js';

it('answers with what its upstream said, and ends on SIGTERM', async () => {
  const upstream = http.createServer((req, res) => res.end(JSON.stringify({ asked: req.url })));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const { port } = upstream.address() as AddressInfo;
  await using program = new Program('examples/quickstart/dist/main.js', {
    UPSTREAM: `http://127.0.0.1:${port}`,
    BINDING: '127.0.0.1:0',
  });
  const [, url] = await program.prints(/"url":"(http[^"]+)"/);
  const res = await fetch(`${url}/products/7`);
  expect(await res.json()).toEqual({ asked: '/products/7' });
  expect((await fetch(`${url}/products/seven`)).status).toBe(404);
  program.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  upstream.close();
});

/** The demo as a user meets it: started for real, with its three services. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Program } from '../../../tests/run-program.js';

let demo: Program;
let url: string;

beforeAll(async () => {
  demo = new Program('apps/demo/dist/main.js', { DEMO_BINDING: '127.0.0.1:0' });
  url = (await demo.prints(/storefront gateway on (http\S+)/))[1] ?? '';
});

afterAll(() => demo[Symbol.asyncDispose]());

it('merges the answers of three services into one page', async () => {
  const res = await fetch(`${url}/products/7`);
  expect(res.status).toBe(200);
  expect(await res.json()).toMatchObject({
    id: 7,
    name: 'Lantern 7',
    price: { cents: expect.any(Number), currency: 'EUR' },
    reviews: { count: 2, latest: [expect.any(String), expect.any(String)] },
  });
});

it('says 404 for a product that is not there, as problem+json', async () => {
  const res = await fetch(`${url}/products/9999`);
  expect(res.status).toBe(404);
  expect(res.headers.get('content-type')).toContain('application/problem+json');
  expect(await res.json()).toMatchObject({ status: 404, detail: 'There is no product 9999.' });
});

it('streams the list of products', async () => {
  const list = (await (await fetch(`${url}/products`)).json()) as unknown[];
  expect(list).toHaveLength(200);
});

it('forwards an order, and refuses what is not JSON', async () => {
  const order = { product: 7, quantity: 2 };
  const res = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  expect(res.status).toBe(201);
  expect(await res.json()).toEqual({ accepted: true, order });
  expect((await fetch(`${url}/orders`, { method: 'POST', body: 'order' })).status).toBe(415);
});

it('meets the service that closes idle connections early without an error', async () => {
  for (let round = 0; round < 3; round += 1) {
    const page = (await (await fetch(`${url}/products/${round + 1}`)).json()) as { price: unknown };
    expect(page.price).not.toBeNull();
    // Longer than the pricing service keeps an idle connection.
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
});

it('tells what the pool did', async () => {
  const pool = (await (await fetch(`${url}/pool`)).json()) as { hits: number; hosts: object };
  expect(pool.hits).toBeGreaterThan(0);
  expect(Object.keys(pool.hosts)).toHaveLength(3);
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
});

it('shows its banner when it listens, with the address where it does', async () => {
  expect(demo.output).toContain(`curl ${url}/products/7`);
  expect((await fetch(`${url}/health`)).status).toBe(200);
});

it('says how to move it when its port is taken, and shows no banner', async () => {
  await using second = new Program('apps/demo/dist/main.js', {
    DEMO_BINDING: url.replace('http://', ''),
  });
  expect(await second.exit).toBe(1);
  expect(second.output).toContain('DEMO_BINDING');
  expect(second.output).not.toContain('storefront gateway on');
});

it('under load says where its hit rate comes from', async () => {
  await using load = new Program('apps/demo/dist/load.js', {
    DEMO_BINDING: url.replace('http://', ''),
    DEMO_LOAD_SECONDS: '1',
  });
  expect(await load.exit).toBe(0);
  expect(load.output).toMatch(/after {3}hit rate \d+\.\d %/);
  expect(load.output).toContain('(maxIdlePerHost)');
  expect(load.output.match(/\d+ hits, \d+ misses, \d+ evicted/g)).toHaveLength(3);
});

it('ends with its services on SIGTERM', async () => {
  demo.kill('SIGTERM');
  expect(await demo.exit).toBe(0);
});

import { expect, it } from 'vitest';
import { App } from '../src/index.js';
it('smoke', async () => {
  const app = new App({ logger: false });
  app.get('/', () => 'hi');
  app.get('/users/<int:id>', async (ctx) => ({ id: ctx.param('id'), q: ctx.query('a') }));
  app.post('/echo', async (ctx) => ctx.json());
  let r = await app.inject({ path: '/' });
  expect([r.status, await r.text(), r.headers]).toMatchInlineSnapshot();
  r = await app.inject({ path: '/users/7?a=b' });
  expect(await r.json()).toEqual({ id: 7, q: 'b' });
  r = await app.inject({ method: 'POST', path: '/echo', body: { a: 1 } });
  expect(await r.json()).toEqual({ a: 1 });
  r = await app.inject({ path: '/none' });
  expect([r.status, await r.text(), r.headers]).toMatchInlineSnapshot();
  const { url } = await new App({ logger: false, binding: ':0' }).get('/', () => 'x').start();
  expect(await (await fetch(url)).text()).toBe('x');
});

import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono, type MiddlewareHandler } from 'hono';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';
import { MIDDLEWARE_COUNT, OTHER_ROUTES, receiptOf, tenHeaders, type Order } from './work.js';

let answered = 0;

const hono: ServerContender = {
  label: 'Hono',
  start() {
    const app = new Hono();
    for (const name of OTHER_ROUTES) app.get(`/${name}/:id/item/:item`, (c) => c.text(name));
    app.get('/users/:id/posts/:post', (c) => {
      const { id, post } = c.req.param();
      return c.json<PostAnswer>({ id: Number(id), post, page: c.req.query('page') ?? '' });
    });
    app.get('/headers', (c) => c.text(HELLO, 200, tenHeaders(answered++)));
    for (let index = 0; index < MIDDLEWARE_COUNT; index++) {
      const pass: MiddlewareHandler = async (_c, next) => {
        await next();
      };
      app.use('/middleware', pass);
    }
    app.get('/middleware', (c) => c.text(HELLO));
    app.post('/orders', async (c) => c.json(receiptOf(await c.req.json<Order>())));
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server);
  },
};
export default hono;

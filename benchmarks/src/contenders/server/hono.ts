import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const hono: ServerContender = {
  label: 'Hono',
  start() {
    const app = new Hono();
    app.get('/', (c) => c.text(HELLO));
    app.get('/users/:id/posts/:post', (c) => {
      const { id, post } = c.req.param();
      return c.json<PostAnswer>({ id: Number(id), post, page: c.req.query('page') ?? '' });
    });
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server);
  },
};
export default hono;

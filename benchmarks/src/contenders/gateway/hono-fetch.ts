import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { Agent, setGlobalDispatcher } from 'undici';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const honoFetch: ServerContender = {
  label: 'Hono + global fetch()',
  start(upstream) {
    setGlobalDispatcher(new Agent({ connections: 256, pipelining: 1 }));
    const app = new Hono();
    app.get('/', async (c) => {
      const res = await fetch(`${upstream}/json`);
      return c.json((await res.json()) as { data: string });
    });
    return listen(createAdaptorServer({ fetch: app.fetch }) as Server);
  },
};
export default honoFetch;

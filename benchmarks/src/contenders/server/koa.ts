/** Koa has no router: its two routes are told apart by hand. */
import { createServer } from 'node:http';
import Koa from 'koa';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const POST = /^\/users\/([^/]+)\/posts\/([^/]+)$/;

const koa: ServerContender = {
  label: 'Koa',
  start() {
    const app = new Koa({ env: 'production' });
    app.use((ctx) => {
      if (ctx.path === '/') {
        ctx.body = HELLO;
        return;
      }
      const [, id, post = ''] = POST.exec(ctx.path) ?? [];
      if (id === undefined) return;
      const answer: PostAnswer = { id: Number(id), post, page: ctx.query['page'] as string };
      ctx.body = answer;
    });
    const handler = app.callback();
    return listen(createServer((req, res) => void handler(req, res)));
  },
};
export default koa;

import { App, text, type Middleware } from '@hotaru/core';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { MIDDLEWARE_COUNT, OTHER_ROUTES, receiptOf, tenHeaders, type Order } from './work.js';

let answered = 0;

const hotaru: ServerContender = {
  label: 'Hotaru',
  async start() {
    const app = new App({ binding: '127.0.0.1:0', mode: 'production', logger: false });
    for (const name of OTHER_ROUTES) app.get(`/${name}/<int:id>/item/<item>`, () => name);
    app.get('/users/<int:id>/posts/<str:post>', (ctx): PostAnswer => {
      return { id: ctx.param('id'), post: ctx.param('post'), page: ctx.query('page') ?? '' };
    });
    app.get('/headers', () => text(HELLO, { headers: tenHeaders(answered++) }));
    const middleware = Array.from({ length: MIDDLEWARE_COUNT }, (): Middleware => {
      return async (_ctx, next) => {
        const response = await next();
        return response;
      };
    });
    app.endpoint('/middleware', { middleware }, () => HELLO);
    app.post('/orders', async (ctx) => receiptOf(await ctx.json<Order>()));
    const { port } = await app.start();
    return { port, close: () => app.stop() };
  },
};
export default hotaru;

import { App } from '@hotaru/core';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';

const hotaru: ServerContender = {
  label: 'Hotaru',
  async start() {
    const app = new App({ binding: '127.0.0.1:0', mode: 'production', logger: false });
    app.get('/', () => HELLO);
    app.get('/users/<int:id>/posts/<str:post>', (ctx): PostAnswer => {
      return { id: ctx.param('id'), post: ctx.param('post'), page: ctx.query('page') ?? '' };
    });
    const { port } = await app.start();
    return { port, close: () => app.stop() };
  },
};
export default hotaru;

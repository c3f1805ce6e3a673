import { createServer } from 'node:http';
import { getQuery, getRouterParams, H3 } from 'h3';
import { toNodeHandler } from 'h3/node';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const h3: ServerContender = {
  label: 'h3',
  start() {
    const app = new H3();
    app.get('/', () => HELLO);
    app.get('/users/:id/posts/:post', (event): PostAnswer => {
      const { id, post = '' } = getRouterParams(event);
      return { id: Number(id), post, page: getQuery<{ page: string }>(event).page };
    });
    return listen(createServer(toNodeHandler(app)));
  },
};
export default h3;

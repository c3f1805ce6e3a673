import createFastify from 'fastify';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';
import { MIDDLEWARE_COUNT, OTHER_ROUTES, receiptOf, tenHeaders, type Order } from './work.js';

const text = { type: 'string' };
const integer = { type: 'integer' };
const params = { type: 'object', properties: { id: integer, post: text } };
const querystring = { type: 'object', properties: { page: text } };
const answer = { type: 'object', properties: { id: integer, post: text, page: text } };
const receipt = { type: 'object', properties: { id: integer, customer: text, articles: integer } };

interface PostRoute {
  Params: Pick<PostAnswer, 'id' | 'post'>;
  Querystring: Pick<PostAnswer, 'page'>;
  Reply: PostAnswer;
}

let answered = 0;

const fastify: ServerContender = {
  label: 'Fastify',
  async start() {
    const app = createFastify({ logger: false });
    for (const name of OTHER_ROUTES)
      app.get(`/${name}/:id/item/:item`, (_request, reply) => reply.send(name));
    app.get<PostRoute>(
      '/users/:id/posts/:post',
      { schema: { params, querystring, response: { 200: answer } } },
      ({ params: { id, post }, query: { page } }, reply) => {
        void reply.send({ id, post, page });
      },
    );
    app.get('/headers', (_request, reply) => reply.headers(tenHeaders(answered++)).send(HELLO));
    const onRequest = Array.from({ length: MIDDLEWARE_COUNT }, () => () => Promise.resolve());
    app.get('/middleware', { onRequest }, (_request, reply) => reply.send(HELLO));
    app.post<{ Body: Order }>(
      '/orders',
      { schema: { response: { 200: receipt } } },
      async (request) => Promise.resolve(receiptOf(request.body)),
    );
    await app.ready();
    return listen(app.server);
  },
};
export default fastify;

import createFastify from 'fastify';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const text = { type: 'string' };
const params = { type: 'object', properties: { id: { type: 'integer' }, post: text } };
const querystring = { type: 'object', properties: { page: text } };
const answer = { type: 'object', properties: { id: { type: 'integer' }, post: text, page: text } };

interface PostRoute {
  Params: Pick<PostAnswer, 'id' | 'post'>;
  Querystring: Pick<PostAnswer, 'page'>;
  Reply: PostAnswer;
}

const fastify: ServerContender = {
  label: 'Fastify',
  async start() {
    const app = createFastify({ logger: false });
    app.get('/', (_request, reply) => reply.send(HELLO));
    app.get<PostRoute>(
      '/users/:id/posts/:post',
      { schema: { params, querystring, response: { 200: answer } } },
      ({ params: { id, post }, query: { page } }, reply) => {
        void reply.send({ id, post, page });
      },
    );
    await app.ready();
    return listen(app.server);
  },
};
export default fastify;

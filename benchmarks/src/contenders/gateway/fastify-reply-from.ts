/** Passes head and body on as they come: the JSON is neither parsed nor made again. */
import replyFrom from '@fastify/reply-from';
import createFastify from 'fastify';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const fastifyReplyFrom: ServerContender = {
  label: 'Fastify + reply.from() (passes through)',
  async start(upstream) {
    const app = createFastify({ logger: false });
    await app.register(replyFrom, {
      base: upstream,
      undici: { connections: 256, pipelining: 1 },
      disableRequestLogging: true,
      retryMethods: [],
    });
    app.get('/', (_request, reply) => reply.from('/json'));
    await app.ready();
    const { port } = await listen(app.server);
    return { port, close: () => app.close() };
  },
};
export default fastifyReplyFrom;

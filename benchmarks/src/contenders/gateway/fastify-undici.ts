import createFastify from 'fastify';
import { Agent, request } from 'undici';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const answer = { type: 'object', properties: { data: { type: 'string' } } };

const fastifyUndici: ServerContender = {
  label: 'Fastify + undici request()',
  async start(upstream) {
    const dispatcher = new Agent({ connections: 256, pipelining: 1 });
    const app = createFastify({ logger: false });
    app.get('/', { schema: { response: { 200: answer } } }, async () => {
      const { body } = await request(`${upstream}/json`, { dispatcher });
      return body.json();
    });
    app.addHook('onClose', () => dispatcher.destroy());
    await app.ready();
    const { port } = await listen(app.server);
    return { port, close: () => app.close() };
  },
};
export default fastifyUndici;

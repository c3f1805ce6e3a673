import { Agent, request } from 'undici';
import type { Contender } from '../contender.js';

const undiciRequest: Contender = {
  name: 'undici: request(url) + text()',
  start({ url, concurrency }) {
    const dispatcher = new Agent({ connections: concurrency, pipelining: 1 });
    return {
      async once() {
        const { body } = await request(url, { dispatcher });
        await body.text();
      },
      close: () => dispatcher.destroy(),
    };
  },
};
export default undiciRequest;

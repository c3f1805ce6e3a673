import { App, getRequest } from '@hotaru/core';
import type { ServerContender } from '../../contender.js';

const hotaru: ServerContender = {
  label: 'Hotaru + ctx.sendRequest()',
  async start(upstream) {
    const app = new App({
      binding: '127.0.0.1:0',
      mode: 'production',
      logger: false,
      pool: { maxPerHost: 256, maxIdlePerHost: 256 },
    });
    app.get('/', async (ctx) => {
      const res = await ctx.sendRequest(upstream, getRequest('/json'));
      return res.json();
    });
    const { port } = await app.start();
    return { port, close: () => app.stop() };
  },
};
export default hotaru;

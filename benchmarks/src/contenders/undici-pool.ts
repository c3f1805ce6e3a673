import { Pool } from 'undici';
import type { Contender } from '../contender.js';

const undiciPool: Contender = {
  name: 'undici: Pool.request() + text()',
  start({ url, concurrency }) {
    const pool = new Pool(url, { connections: concurrency, pipelining: 1 });
    return {
      async once() {
        const { body } = await pool.request({ method: 'GET', path: '/' });
        await body.text();
      },
      close: () => pool.destroy(),
    };
  },
};
export default undiciPool;

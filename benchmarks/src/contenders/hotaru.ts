import { ConnectionPool } from '@hotaru/client';
import type { Contender } from '../contender.js';

const hotaru: Contender = {
  name: 'hotaru: sendRequest() + text()',
  start({ url, concurrency }) {
    const pool = new ConnectionPool({ maxPerHost: concurrency, maxIdlePerHost: concurrency });
    const request = { method: 'GET', path: '/' };
    return {
      async once() {
        const res = await pool.sendRequest(url, request);
        await res.text();
      },
      close: () => pool.close(),
    };
  },
};
export default hotaru;

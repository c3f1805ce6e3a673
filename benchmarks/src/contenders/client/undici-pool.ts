import type { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import type { ClientContender } from '../../contender.js';
import { checkStatus } from '../ok.js';

const undiciPool: ClientContender = {
  label: 'undici: Pool.request()',
  start({ origin, connections, ca }) {
    const pool = new Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: 600_000,
      connect: { ca },
    });
    const send = async (options: Dispatcher.RequestOptions) => {
      const { statusCode, body } = await pool.request(options);
      checkStatus(statusCode);
      return body;
    };
    return {
      get: async (path) => (await send({ method: 'GET', path })).text(),
      async post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return (await send({ method: 'POST', path, headers, body })).text();
      },
      async download(path, take) {
        const body: AsyncIterable<Buffer> = await send({ method: 'GET', path });
        for await (const piece of body) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': String(length) };
        // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- documented to take any async iterable; its types lag
        const body = pieces() as Readable;
        await (await send({ method: 'POST', path, headers, body })).text();
      },
      close: () => pool.destroy(),
    };
  },
};
export default undiciPool;

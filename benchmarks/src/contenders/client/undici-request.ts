import type { Readable } from 'node:stream';
import { Agent, request, type Dispatcher } from 'undici';
import type { ClientContender } from '../../contender.js';
import { checkStatus } from '../ok.js';

const undiciRequest: ClientContender = {
  label: 'undici: request(url)',
  start({ origin, connections, ca }) {
    const dispatcher = new Agent({
      connections,
      pipelining: 1,
      keepAliveTimeout: 600_000,
      connect: { ca },
    });
    const send = async (url: string, options?: Partial<Dispatcher.RequestOptions>) => {
      const { statusCode, body } = await request(url, { dispatcher, ...options });
      checkStatus(statusCode);
      return body;
    };
    return {
      get: async (path) => (await send(origin + path)).text(),
      getFrom: async (url) => (await send(url)).text(),
      async post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return (await send(origin + path, { method: 'POST', headers, body })).text();
      },
      async download(path, take) {
        const body: AsyncIterable<Buffer> = await send(origin + path);
        for await (const piece of body) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': String(length) };
        // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- documented to take any async iterable; its types lag
        const body = pieces() as Readable;
        await (await send(origin + path, { method: 'POST', headers, body })).text();
      },
      close: () => dispatcher.destroy(),
    };
  },
};
export default undiciRequest;

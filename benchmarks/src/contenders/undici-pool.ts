/** undici's Pool, as its contenders use it: they differ in settings only. */
import { Readable } from 'node:stream';
import { interceptors, Pool, type Dispatcher } from 'undici';
import type { BenchClient, ClientTarget } from '../contender.js';
import { drain, drainReader, drainThrough } from './drain.js';
import { checkStatus } from './ok.js';
import { FIELDS, QUERY } from './ways.js';

export function undiciPool(
  { origin, connections, ca }: ClientTarget,
  settings: Pool.Options,
): BenchClient {
  const pool = new Pool(origin, {
    connections,
    keepAliveTimeout: 600_000,
    connect: { ca },
    ...settings,
  });
  // Only for the packed answers: the others need not pay for it.
  const unpacking = pool.compose(interceptors.decompress());
  const send = async (options: Dispatcher.RequestOptions) => {
    const { statusCode, body } = await pool.request(options);
    checkStatus(statusCode);
    return body;
  };
  return {
    async read(path, way) {
      const dispatcher = way === 'packed' ? unpacking : pool;
      const { statusCode, headers, body } = await dispatcher.request({
        origin,
        method: 'GET',
        path,
        headers: way === 'packed' ? { 'accept-encoding': 'gzip, deflate, br' } : {},
      });
      checkStatus(statusCode);
      switch (way) {
        case 'text':
        case 'packed':
          return (await body.text()).length;
        case 'json':
          return Object.keys((await body.json()) as object).length;
        case 'pieces':
          return drain(body);
        case 'webReader':
          return drainReader(Readable.toWeb(body) as ReadableStream<Uint8Array>);
        case 'piped':
          return drainThrough(body);
        case 'cookies':
          await body.text();
          return headers['set-cookie']?.length ?? 0;
      }
    },
    get: async (path) => (await send({ method: 'GET', path })).text(),
    async getBy(way, path) {
      const method = 'GET';
      switch (way) {
        case 'URL object': {
          const { pathname, search } = new URL(path, origin);
          return (await send({ method, path: pathname + search })).text();
        }
        case 'Headers instance':
          return (await send({ method, path, headers: new Headers(FIELDS) })).text();
        case 'query object':
          return (await send({ method, path, query: QUERY })).text();
        case 'signal':
          return (await send({ method, path, signal: new AbortController().signal })).text();
        case 'timeout':
          return (await send({ method, path, signal: AbortSignal.timeout(30_000) })).text();
      }
    },
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
}

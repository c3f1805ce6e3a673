import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import axiosDefault from 'axios';
import type { ClientContender } from '../../contender.js';

const axios: ClientContender = {
  label: 'axios: http adapter, as text',
  start({ origin, connections, ca }) {
    const agentOptions = {
      keepAlive: true,
      maxSockets: connections,
      maxFreeSockets: connections,
    };
    const httpAgent = new HttpAgent(agentOptions);
    const httpsAgent = new HttpsAgent({ ...agentOptions, ca });
    const client = axiosDefault.create({
      adapter: 'http',
      baseURL: origin,
      httpAgent,
      httpsAgent,
      proxy: false,
      responseType: 'text',
      transformRequest: (data: unknown) => data, // the default one parses JSON that is text already
      transformResponse: (data: unknown) => data,
    });
    return {
      get: async (path) => (await client.get<string>(path)).data,
      async post(path, json) {
        const headers = { 'content-type': 'application/json' };
        return (await client.post<string>(path, json, { headers })).data;
      },
      async download(path, take) {
        const { data } = await client.get<Readable & AsyncIterable<Buffer>>(path, {
          responseType: 'stream',
        });
        for await (const piece of data) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': length, 'content-type': 'application/octet-stream' };
        // As its documents say for streams: with redirects the whole body is kept in memory.
        const options = { headers, maxRedirects: 0 };
        const answer = await client.post<string>(path, Readable.from(pieces()), options);
        // As in node-http.ts: the pipe may be waiting for a 'drain' that Node will not tell of.
        (answer.request as ClientRequest).end();
      },
      close() {
        httpAgent.destroy();
        httpsAgent.destroy();
      },
    };
  },
};
export default axios;

import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import gotDefault from 'got';
import type { ClientContender } from '../../contender.js';

const got: ClientContender = {
  label: 'got',
  start({ origin, connections, ca }) {
    const agentOptions = {
      keepAlive: true,
      maxSockets: connections,
      maxFreeSockets: connections,
    };
    const agent = { http: new HttpAgent(agentOptions), https: new HttpsAgent(agentOptions) };
    const client = gotDefault.extend({
      agent,
      retry: { limit: 0 },
      https: { certificateAuthority: ca },
    });
    return {
      get: (path) => client.get(origin + path).text(),
      post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return client.post(origin + path, { headers, body }).text();
      },
      async download(path, take) {
        const body: AsyncIterable<Buffer> = client.stream.get(origin + path);
        for await (const piece of body) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': String(length) };
        await client.post(origin + path, { headers, body: pieces() }).text();
      },
      close() {
        agent.http.destroy();
        agent.https.destroy();
      },
    };
  },
};
export default got;

import http from 'node:http';
import type { Contender } from '../contender.js';

const nodeHttp: Contender = {
  name: 'node:http + keep-alive Agent',
  start({ url, concurrency }) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
    return {
      once: () =>
        new Promise<void>((resolve, reject) => {
          http
            .get(url, { agent }, (res) => {
              let text = '';
              res.setEncoding('utf8');
              res.on('data', (piece: string) => (text += piece));
              res.on('end', () => (text === '' ? reject(new Error('an empty answer')) : resolve()));
              res.on('error', reject);
            })
            .on('error', reject);
        }),
      close: () => agent.destroy(),
    };
  },
};
export default nodeHttp;

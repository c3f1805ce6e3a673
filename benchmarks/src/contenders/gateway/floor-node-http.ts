/** The floor: node:http on both sides, and nothing between them. */
import http, { Agent, createServer, type ServerResponse } from 'node:http';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

function answer(res: ServerResponse, status: number, body: string): void {
  const length = Buffer.byteLength(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': length }).end(body);
}

const floorNodeHttp: ServerContender = {
  label: 'floor: node:http + node:http',
  isFloor: true,
  start(upstream) {
    const agent = new Agent({ keepAlive: true, maxSockets: 256 });
    const { hostname, port } = new URL(upstream);
    return listen(
      createServer((_req, res) => {
        http
          .get({ agent, hostname, port, path: '/json' }, (inner) => {
            let whole = '';
            inner.setEncoding('utf8');
            inner.on('data', (piece: string) => (whole += piece));
            inner.on('end', () => answer(res, 200, JSON.stringify(JSON.parse(whole))));
          })
          .on('error', () => answer(res, 502, '{}'));
      }),
    );
  },
};
export default floorNodeHttp;

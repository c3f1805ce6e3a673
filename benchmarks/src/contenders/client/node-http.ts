import http, {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import type { ClientContender } from '../../contender.js';
import { checkStatus } from '../ok.js';

const nodeHttp: ClientContender = {
  label: 'node:http + keep-alive Agent',
  start({ origin, connections, ca }) {
    const { hostname, port } = new URL(origin);
    const { Agent, request } = ca === undefined ? http : https;
    const agent = new Agent({
      keepAlive: true,
      maxSockets: connections,
      maxFreeSockets: connections,
      ca,
    });
    const send = (
      method: string,
      where: RequestOptions,
      headers: OutgoingHttpHeaders = {},
      body?: string | AsyncIterable<Uint8Array>,
    ): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const req = request({ ...where, agent, method, headers });
        req.on('response', resolve).on('error', reject);
        if (body === undefined || typeof body === 'string') req.end(body);
        else {
          pipeline(body, req, (error) => error && reject(error));
          // Node takes an answer that came before the last 'drain' for the end of them: pipeline() would wait on.
          req.on('response', (res: IncomingMessage) => res.on('end', () => req.end()));
        }
      });
    const text = (res: IncomingMessage): Promise<string> =>
      new Promise((resolve, reject) => {
        checkStatus(res.statusCode ?? 0);
        let whole = '';
        res.setEncoding('utf8');
        res.on('data', (piece: string) => (whole += piece));
        res.on('end', () => resolve(whole)).on('error', reject);
      });
    return {
      get: async (path) => text(await send('GET', { hostname, port, path })),
      getFrom: async (url) => text(await send('GET', urlToHttpOptions(new URL(url)))),
      async post(path, json) {
        const length = Buffer.byteLength(json);
        const headers = { 'content-type': 'application/json', 'content-length': length };
        return text(await send('POST', { hostname, port, path }, headers, json));
      },
      async download(path, take) {
        const res: IncomingMessage & AsyncIterable<Buffer> = await send('GET', {
          hostname,
          port,
          path,
        });
        checkStatus(res.statusCode ?? 0);
        for await (const piece of res) await take(piece);
      },
      async upload(path, pieces, length) {
        await text(
          await send('POST', { hostname, port, path }, { 'content-length': length }, pieces()),
        );
      },
      close: () => agent.destroy(),
    };
  },
};
export default nodeHttp;

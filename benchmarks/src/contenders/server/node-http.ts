/** The floor: two routes by hand on what every framework here stands on. */
import { createServer, type ServerResponse } from 'node:http';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const POST = /^\/users\/([^/?]+)\/posts\/([^/?]+)\?page=([^&]*)/;

function answer(res: ServerResponse, type: string, body: string): void {
  res.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

const nodeHttp: ServerContender = {
  label: 'floor: node:http',
  isFloor: true,
  start: () =>
    listen(
      createServer((req, res) => {
        if (req.url === '/') {
          answer(res, 'text/plain; charset=utf-8', HELLO);
          return;
        }
        const [, id, post = '', page = ''] = POST.exec(req.url ?? '') ?? [];
        if (id === undefined) {
          res.writeHead(404).end();
          return;
        }
        const found: PostAnswer = { id: Number(id), post, page };
        answer(res, 'application/json; charset=utf-8', JSON.stringify(found));
      }),
    ),
};
export default nodeHttp;

/** The floor: the routes by hand on what every framework here stands on; middleware is ten awaits. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';
import { MIDDLEWARE_COUNT, receiptOf, tenHeaders, type Order } from './work.js';

const POST = /^\/users\/([^/?]+)\/posts\/([^/?]+)\?page=([^&]*)/;
let answered = 0;

function answer(res: ServerResponse, type: string, body: string, headers: object = {}): void {
  res.writeHead(200, {
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(body),
  });
  res.end(body);
}

async function orders(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const order = JSON.parse(Buffer.concat(chunks).toString()) as Order;
  answer(res, 'application/json', JSON.stringify(receiptOf(order)));
}

async function middleware(res: ServerResponse, left: number): Promise<void> {
  if (left === 0) answer(res, 'text/plain', HELLO);
  else await middleware(res, left - 1);
}

const nodeHttp: ServerContender = {
  label: 'floor: node:http',
  isFloor: true,
  start: () =>
    listen(
      createServer((req, res) => {
        const { url = '' } = req;
        if (url === '/headers') answer(res, 'text/plain', HELLO, tenHeaders(answered++));
        else if (url === '/middleware') void middleware(res, MIDDLEWARE_COUNT);
        else if (url === '/orders') void orders(req, res);
        else {
          const [, id, post = '', page = ''] = POST.exec(url) ?? [];
          const found: PostAnswer = { id: Number(id), post, page };
          answer(res, 'application/json', JSON.stringify(found));
        }
      }),
    ),
};
export default nodeHttp;

/**
 * An origin in Node: as cheap as it can be, so that the client is what is measured. Uploads go to it, and
 * everything where nginx is missing. Knows `GET /json` (1 KiB), `/1m`, `/64m`, what answers.ts has prepared, and
 * swallows any POST, answered with the same JSON.
 * `/together/100` is answered once a hundred such requests are waiting: so many connections there are.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { AddressInfo } from 'node:net';
import { serve } from '../harness/serve.js';
import { BODY_BYTES, JSON_BODY, MIB, PREPARED, wireBytes } from './answers.js';

interface Certificate {
  key: string;
  cert: string;
}

const PIECE = Buffer.alloc(MIB, 'x');
const jsonAnswer = Buffer.from(head('application/json', JSON_BODY.length) + JSON_BODY);
/** Made when first asked for: one of them is large. */
const prepared = new Map<string, Buffer>();
const TOGETHER = '/together/';
let waiting: net.Socket[] = [];
let connections = 0;

function head(type: string, length: number): string {
  return (
    'HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n' +
    `Content-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: keep-alive\r\n\r\n`
  );
}

/** Requests come one after another: no client here pipelines. */
function onConnection(socket: net.Socket): void {
  connections += 1;
  /** Bytes of a request body that are still to come; −1 while a head is read. */
  let bodyLeft = -1;
  let text = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    let rest = bytes.length;
    if (bodyLeft === -1) {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      rest = text.length - end - 4;
      bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
      if (/\r\nexpect: *100-continue/i.test(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    bodyLeft -= rest;
    if (bodyLeft > 0) return;
    const path = text.slice(text.indexOf(' ') + 1, text.indexOf(' HTTP/'));
    bodyLeft = -1;
    text = '';
    const length = BODY_BYTES[path];
    if (path.startsWith(TOGETHER)) answerTogether(socket, Number(path.slice(TOGETHER.length)));
    else if (length === undefined) socket.write(preparedAnswer(path) ?? jsonAnswer);
    else writeBody(socket, length);
  });
}

function preparedAnswer(path: string): Buffer | undefined {
  const answer = PREPARED[path];
  if (answer !== undefined && !prepared.has(path)) prepared.set(path, wireBytes(answer));
  return prepared.get(path);
}

function answerTogether(socket: net.Socket, count: number): void {
  waiting.push(socket);
  if (waiting.length < count) return;
  for (const one of waiting) one.write(jsonAnswer);
  waiting = [];
}

function writeBody(socket: net.Socket, length: number): void {
  let left = length;
  socket.write(head('application/octet-stream', length));
  const more = (): void => {
    while (left > 0) {
      left -= MIB;
      if (!socket.write(PIECE)) {
        if (left > 0) socket.once('drain', more);
        return;
      }
    }
  };
  more();
}

serve({
  /** Its ports, plain and TLS. */
  async start({ key, cert }: Certificate): Promise<[number, number]> {
    const plain = net.createServer({ noDelay: true }, onConnection);
    const secure = tls.createServer({ key, cert, noDelay: true }, onConnection);
    for (const server of [plain, secure])
      await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', 8_192, resolve));
    return [plain, secure].map((server) => (server.address() as AddressInfo).port) as [
      number,
      number,
    ];
  },
  /** Connections accepted so far. */
  connections: () => connections,
});

/**
 * An origin on node:http2: what answers late or in odd ways is asked of it, and everything where nginx is missing.
 * Over TLS, over plain TCP (prior knowledge), and, for who compares, the same answers over HTTP/1.1 and TLS.
 */
import http2, { type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import {
  BODY_BYTES,
  FIELDS,
  JSON_BODY,
  LATER,
  LATER_MS,
  MIB,
  PREPARED,
  TWENTY_FIELDS,
  VIA,
} from './answers.js';

export interface Certificate {
  key: string;
  cert: string;
}

export interface NodeHttp2Origin {
  readonly tlsPort: number;
  readonly plainPort: number;
  readonly http1Port: number;
  /** Bytes of request bodies, all together. */
  received(): number;
  close(): void;
}

/** What both protocols can be asked to send. */
interface Answer {
  head(fields: Record<string, string | number | string[]>): void;
  write(piece: Buffer): boolean;
  onceDrained(listener: () => void): void;
  end(body?: string | Buffer): void;
}

/** As a server for large uploads would have: 64 KiB, the default, is a round trip for each of them. */
const WINDOW_BYTES = MIB;
const PIECE = Buffer.alloc(MIB, 'x');
const JSON_TYPE = 'application/json';
/** Answered once so many are waiting. */
const TOGETHER = '/together/';
/** Swallows a body; answers how long it was. */
const COUNT = '/count';

export async function startNodeHttp2(certificate: Certificate): Promise<NodeHttp2Origin> {
  const settings = { initialWindowSize: WINDOW_BYTES, maxConcurrentStreams: 1_000 };
  const servers = [
    http2.createSecureServer({ ...certificate, settings }),
    http2.createServer({ settings }),
    https.createServer({ ...certificate, keepAliveTimeout: 0, noDelay: true }),
  ] as const;
  const [secure, plain, http1] = servers;
  const site = new Site();
  for (const server of [secure, plain]) {
    server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTES));
    server.on('stream', (stream, headers) => {
      stream.on('error', () => stream.destroy());
      const via = `HTTP/2.0 ${site.numberOf(stream.session ?? stream)}`;
      site.answer(headers[':path'] ?? '', via, stream, answerOn(stream));
    });
  }
  http1.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const via = `HTTP/1.1 ${site.numberOf(request.socket)}`;
    site.answer(request.url ?? '', via, request, answerBy(response));
  });
  const [tlsPort = 0, plainPort = 0, http1Port = 0] = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 8_192, resolve));
      return (server.address() as AddressInfo).port;
    }),
  );
  const close = (): void => {
    for (const server of servers) server.close();
    http1.closeAllConnections();
  };
  return { tlsPort, plainPort, http1Port, received: () => site.received, close };
}

class Site {
  /** Bytes of request bodies. */
  received = 0;
  /** Connections are numbered by their first request. */
  readonly #numbers = new WeakMap<object, number>();
  #connections = 0;
  #waiting: Answer[] = [];
  #random = 1;

  numberOf(connection: object): number {
    const known = this.#numbers.get(connection) ?? (this.#connections += 1);
    this.#numbers.set(connection, known);
    return known;
  }

  answer(path: string, via: string, request: Readable, answer: Answer): void {
    const length = BODY_BYTES[path];
    const prepared = PREPARED[path];
    if (length !== undefined) sendBody(answer, length);
    else if (prepared !== undefined) sendPrepared(answer, prepared);
    else if (path === VIA) whole(answer, 'text/plain', via);
    else if (path === COUNT)
      this.#read(request, (bytes) => whole(answer, JSON_TYPE, String(bytes)));
    else if (path.startsWith(TOGETHER)) this.#together(answer, Number(path.slice(TOGETHER.length)));
    else if (path === LATER) setTimeout(() => whole(answer, JSON_TYPE, JSON_BODY), this.#restMs());
    else if (path === TWENTY_FIELDS) whole(answer, JSON_TYPE, JSON_BODY, FIELDS);
    else this.#read(request, () => whole(answer, JSON_TYPE, JSON_BODY));
  }

  #read(request: Readable, done: (bytes: number) => void): void {
    let bytes = 0;
    request.on('data', (piece: Buffer) => (bytes += piece.length));
    request.on('end', () => {
      this.received += bytes;
      done(bytes);
    });
  }

  #together(answer: Answer, wanted: number): void {
    this.#waiting.push(answer);
    if (this.#waiting.length < wanted) return;
    for (const one of this.#waiting) whole(one, JSON_TYPE, JSON_BODY);
    this.#waiting = [];
  }

  /** The same in each run, and in no order: the generator of Park and Miller. */
  #restMs(): number {
    const modulus = 2 ** 31 - 1;
    this.#random = (this.#random * 48_271) % modulus;
    return LATER_MS.least + (this.#random / modulus) * (LATER_MS.most - LATER_MS.least);
  }
}

function whole(
  answer: Answer,
  type: string,
  body: string,
  fields: Readonly<Record<string, string>> = {},
): void {
  answer.head({ 'content-type': type, 'content-length': Buffer.byteLength(body), ...fields });
  answer.end(body);
}

function sendPrepared(answer: Answer, { fields, body, chunkBytes }: (typeof PREPARED)[string]) {
  answer.head(chunkBytes === undefined ? { 'content-length': body.length, ...fields } : fields);
  if (chunkBytes !== undefined)
    for (let at = 0; at < body.length; at += chunkBytes)
      answer.write(body.subarray(at, at + chunkBytes));
  answer.end(chunkBytes === undefined ? body : undefined);
}

function sendBody(answer: Answer, length: number): void {
  answer.head({ 'content-type': 'application/octet-stream', 'content-length': length });
  let left = length;
  const more = (): void => {
    for (; left > 0; left -= MIB) {
      if (answer.write(PIECE)) continue;
      left -= MIB;
      answer.onceDrained(more);
      return;
    }
    answer.end();
  };
  more();
}

function answerOn(stream: ServerHttp2Stream): Answer {
  return {
    head: (fields) => {
      if (!stream.destroyed) stream.respond({ ':status': 200, server: 'origin', ...fields });
    },
    write: (piece) => stream.write(piece),
    onceDrained: (listener) => stream.once('drain', listener),
    end: (body) => stream.end(body),
  };
}

function answerBy(response: ServerResponse): Answer {
  return {
    head: (fields) => response.writeHead(200, { server: 'origin', ...fields }),
    write: (piece) => response.write(piece),
    onceDrained: (listener) => response.once('drain', listener),
    end: (body) => response.end(body),
  };
}

/**
 * An HTTP/2 origin over TLS that cuts its bodies into DATA frames of a few bytes, as node:http2 never does. Knows
 * nothing but GET, and answers the same whatever is asked: one origin for each way of cutting. Keeps to the window of the
 * connection; a body is smaller than that of a stream.
 */
import tls, { type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './node-http2.js';

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
const FIRST_WINDOW_BYTES = 65_535;
const TYPE = { data: 0x0, headers: 0x1, settings: 0x4, ping: 0x6, windowUpdate: 0x8 };
const END_STREAM = 0x1;
const ACK = 0x1;
const END_HEADERS = 0x4;
/** `:status: 200` of the static table. */
const STATUS_200 = Buffer.of(0x88);

export interface SmallFrames {
  readonly port: number;
  close(): void;
}

export async function startSmallFrames(
  certificate: Certificate,
  body: Buffer,
  frameBytes: number,
): Promise<SmallFrames> {
  const answer = answerOf(body, frameBytes);
  const sockets = new Set<TLSSocket>();
  const server = tls.createServer(
    { ...certificate, ALPNProtocols: ['h2'], noDelay: true },
    (socket) => {
      sockets.add(socket.once('close', () => sockets.delete(socket)));
      const session = new Session(socket, answer, body.length);
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes: Buffer) => session.take(bytes));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

class Session {
  readonly #socket: TLSSocket;
  readonly #answer: Buffer;
  readonly #bodyBytes: number;
  #rest = Buffer.alloc(0);
  #toSkip = PREFACE_BYTES;
  #window = FIRST_WINDOW_BYTES;
  readonly #waiting: number[] = [];

  constructor(socket: TLSSocket, answer: Buffer, bodyBytes: number) {
    this.#socket = socket;
    this.#answer = answer;
    this.#bodyBytes = bodyBytes;
    socket.write(frame(TYPE.settings, 0, 0, Buffer.alloc(0)));
  }

  take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const skipped = Math.min(this.#toSkip, this.#rest.length);
    this.#toSkip -= skipped;
    let at = skipped;
    while (this.#rest.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + this.#rest.readUIntBE(at, 3);
      if (end > this.#rest.length) break;
      const id = this.#rest.readUInt32BE(at + 5) & 0x7fffffff;
      this.#onFrame(
        this.#rest[at + 3] ?? 0,
        this.#rest[at + 4] ?? 0,
        id,
        this.#rest.subarray(at + HEAD_BYTES, end),
      );
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    this.#send();
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === TYPE.headers) this.#waiting.push(id);
    else if (type === TYPE.windowUpdate && id === 0) this.#window += payload.readUInt32BE(0);
    else if ((type === TYPE.ping || type === TYPE.settings) && (flags & ACK) === 0)
      this.#socket.write(frame(type, ACK, 0, type === TYPE.ping ? payload : Buffer.alloc(0)));
  }

  /** All that the window allows, in one write. */
  #send(): void {
    const answers: Buffer[] = [];
    while (this.#waiting.length > 0 && this.#window >= this.#bodyBytes) {
      this.#window -= this.#bodyBytes;
      answers.push(numbered(this.#answer, this.#waiting.shift() ?? 0));
    }
    if (answers.length > 0) this.#socket.write(Buffer.concat(answers));
  }
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** For stream 0: each stream gets a copy with its own number. */
function answerOf(body: Buffer, frameBytes: number): Buffer {
  const frames = [frame(TYPE.headers, END_HEADERS, 0, STATUS_200)];
  for (let at = 0; at < body.length; at += frameBytes) {
    const isLast = at + frameBytes >= body.length;
    const piece = body.subarray(at, at + frameBytes);
    frames.push(frame(TYPE.data, isLast ? END_STREAM : 0, 0, piece));
  }
  return Buffer.concat(frames);
}

function numbered(answer: Buffer, id: number): Buffer {
  const copy = Buffer.from(answer);
  for (let at = 0; at < copy.length; at += HEAD_BYTES + copy.readUIntBE(at, 3))
    copy.writeUInt32BE(id, at + 5);
  return copy;
}

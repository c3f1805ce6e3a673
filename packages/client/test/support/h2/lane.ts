/**
 * A lane: streams of one HTTP/2 connection, one after the other, as HTTP/1.1 has requests on a connection. It has the
 * verbs of a `ScriptedPeer`, so that one script describes an origin for both protocols.
 *
 *   open ⇄ busy ──▶ closed     the first exchange that does not come to its end closes its lane: the client resets the
 *                              stream or closes the connection, or the script ends or resets it
 */
import {
  cannedResponse,
  ClientGoneError,
  type CannedResponse,
  type CloseKind,
  type CloseReport,
  type EndlessReport,
  turn,
} from '@hotaru/client/testing';
import { AnswerFrames, type AnswerPart } from './answer-frames.js';
import { CODE, data, headers, rst } from './frames.js';
import { Watch } from '../watch.js';
import type { H2Peer } from './peer.js';
import type { H2Request } from './request.js';

const ENDLESS_BYTES = 64 * 1_048_576;
const ENDLESS_BLOCK_BYTES = 16_384;

/** Parts that wait for credit; `at`: how much of the first is out. */
interface Write {
  readonly parts: AnswerPart[];
  at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Busy {
  readonly peer: H2Peer;
  readonly request: H2Request;
  readonly answer: AnswerFrames;
}

export class Lane {
  readonly index: number;
  readonly requests: H2Request[] = [];
  readonly closed: Promise<CloseReport>;
  readonly #watch = new Watch();
  #busy: Busy | undefined;
  #taken = 0;
  #bodyTaken = 0;
  #received = 0;
  #isPaused = false;
  #gone: CloseKind | undefined;
  #isEnded = false;
  readonly #unwritten: Write[] = [];
  #reportClosed!: (report: CloseReport) => void;

  readonly #onRead: (request: H2Request) => void;

  /** `onRead`: a script has read the head of a request. */
  constructor(index: number, onRead: (request: H2Request) => void) {
    this.index = index;
    this.#onRead = onRead;
    this.closed = new Promise((resolve) => {
      this.#reportClosed = resolve;
    });
  }

  get isClosed(): boolean {
    return this.#gone !== undefined;
  }
  get isEnded(): boolean {
    return this.#isEnded;
  }
  /** May the next stream be put on it? */
  get isFree(): boolean {
    if (this.isClosed || this.#isEnded) return false;
    return this.#busy === undefined || (this.#busy.answer.isEnded && this.#busy.request.complete);
  }
  /** Bytes of request bodies, and of heads as they were. */
  get bytesReceived(): number {
    return this.#received + (this.#busy?.request.bodyBytes ?? 0);
  }

  /** For the upstream: a stream begins on it. */
  begin(peer: H2Peer, request: H2Request): void {
    this.#received = this.bytesReceived + 1;
    this.#bodyTaken = 0;
    this.#busy = { peer, request, answer: new AnswerFrames(request.method) };
    request.givesCredit = !this.#isPaused;
    this.requests.push(request);
    this.#watch.changed();
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────

  async readHead(): Promise<H2Request> {
    await this.#until(() => this.requests.length > this.#taken, 'a request comes', Infinity);
    const request = this.requests[this.#taken]!;
    this.#taken += 1;
    this.#onRead(request);
    return request;
  }

  async readBody(): Promise<H2Request> {
    const request = this.requests.at(-1)!;
    if (!request.complete) await this.#until(() => request.complete, 'the request ends');
    return request;
  }

  async readRequest(): Promise<H2Request> {
    await this.readHead();
    return this.readBody();
  }

  async *incoming(): AsyncGenerator<H2Request, void, undefined> {
    try {
      for (;;) yield await this.readRequest();
    } catch (error) {
      if (!(error instanceof ClientGoneError)) throw error;
    }
  }

  /** Exactly `count` bytes of the body. */
  async readBytes(count: number): Promise<Buffer> {
    const { request } = this.#current();
    const start = this.#bodyTaken;
    await this.#until(() => request.bodyBytes >= start + count, `${count} bytes come`);
    this.#bodyTaken += count;
    return request.body.subarray(start, start + count);
  }

  /** Gives no more credit, so the client's stream runs into backpressure. */
  pauseReading(): void {
    this.#setPaused(true);
  }

  resumeReading(): void {
    this.#setPaused(false);
    const { peer, request } = this.#current();
    if (!request.complete) peer.giveCredit(request);
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────

  /** Text of an HTTP/1.1 response, or a part of it. Resolves when the client has given credit for all of it. */
  write(bytes: string | Uint8Array): Promise<void> {
    if (this.#isEnded) throw new Error('the script writes after its own end()');
    if (this.#gone !== undefined) return rejected(new ClientGoneError('writing', this.#gone));
    const parts = [...this.#current().answer.push(latin1(bytes))];
    const written = new Promise<void>((resolve, reject) => {
      this.#unwritten.push({ parts, at: 0, resolve, reject });
    });
    written.catch(() => undefined); // a test may write without waiting for it
    this.#flush();
    return written;
  }

  async drip(bytes: string | Uint8Array, pieceSize = 1): Promise<void> {
    const all = latin1(bytes);
    for (let at = 0; at < all.length; at += pieceSize) {
      await this.write(all.subarray(at, at + pieceSize));
      await turn();
    }
  }

  respond(
    status = 200,
    fields: NonNullable<CannedResponse['headers']> = {},
    body: NonNullable<CannedResponse['body']> = '',
  ): Promise<void> {
    return this.reply({ status, headers: fields, body });
  }

  reply(response: CannedResponse = {}): Promise<void> {
    return this.write(cannedResponse({ method: this.#current().request.method, ...response }));
  }

  async endless(unit: string | Uint8Array, maxBytes = ENDLESS_BYTES): Promise<EndlessReport> {
    const one = latin1(unit);
    const times = Math.max(1, Math.ceil(ENDLESS_BLOCK_BYTES / one.length));
    const block = Buffer.concat(Array<Buffer>(times).fill(one));
    let bytesWritten = 0;
    while (bytesWritten < maxBytes) {
      if (this.isClosed) return { bytesWritten, closed: true };
      try {
        await this.write(block);
      } catch {
        return { bytesWritten, closed: true };
      }
      bytesWritten += block.length;
      await turn();
    }
    return { bytesWritten, closed: false };
  }

  // ── ending ────────────────────────────────────────────────────────────────────────────────────

  /** The end of a body that only the close ends; else the answer is cut short. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const busy = this.#busy;
    if (busy === undefined) {
      this.#leave('local');
      return;
    }
    const { peer, request, answer } = busy;
    if (answer.isUntilClose) void peer.send(data(request.streamId, '', { end: true }));
    else if (!answer.isEnded) void peer.send(rst(request.streamId, CODE.internalError));
    else return;
    this.#leave('local');
  }

  reset(): void {
    if (this.isClosed) return;
    this.#isEnded = true;
    const busy = this.#busy;
    if (busy !== undefined && !busy.peer.isGone)
      void busy.peer.send(rst(busy.request.streamId, CODE.internalError));
    this.#leave('local');
  }

  async endAfter(bytes: string | Uint8Array, count: number): Promise<void> {
    await this.write(latin1(bytes).subarray(0, count));
    this.end();
  }

  async resetAfter(bytes: string | Uint8Array, count: number): Promise<void> {
    await this.write(latin1(bytes).subarray(0, count));
    await turn();
    this.reset();
  }

  // ── waiting ───────────────────────────────────────────────────────────────────────────────────

  async stall(): Promise<void> {
    await this.closed;
  }

  async waitForClose(): Promise<CloseReport> {
    await this.#watch.until(() => this.isClosed, `the client gives lane ${this.index} up`);
    return this.closed;
  }

  /** For the upstream: something came in on its connection. */
  changed(): void {
    this.#flush();
    const { request, peer } = this.#busy ?? {};
    if (request?.resetCode !== undefined) this.#leave('reset');
    else if (peer?.isGone === true) this.#leave('fin');
    else this.#watch.changed();
  }

  /** What the windows allow leaves at once; what is left waits for credit. */
  #flush(): void {
    const [write] = this.#unwritten;
    if (write === undefined || this.isClosed) return;
    const { peer, request } = this.#current();
    for (let part = write.parts[0]; part !== undefined; part = write.parts[0]) {
      if (part.kind === 'body') {
        write.at = peer.sendBody(request, part.bytes, write.at, part.isLast);
        if (write.at < part.bytes.length) return;
        write.at = 0;
      } else {
        const end = part.kind === 'trailers' || part.isLast;
        void peer.send(headers(request.streamId, part.fields, { end }));
      }
      write.parts.shift();
    }
    this.#unwritten.shift();
    peer.send().then(write.resolve, write.reject);
    this.#flush();
  }

  #current(): Busy {
    if (this.#busy === undefined) throw new Error('the script answers before a request has come');
    return this.#busy;
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (this.#busy !== undefined) this.#busy.request.givesCredit = !isPaused;
  }

  async #until(condition: () => boolean, what: string, guardMs?: number): Promise<void> {
    await this.#watch.until(() => condition() || this.isClosed, what, guardMs);
    if (!condition()) throw new ClientGoneError(what, this.#gone ?? 'local');
  }

  #leave(how: CloseKind): void {
    if (this.isClosed) return;
    this.#gone = how;
    for (const { reject } of this.#unwritten) reject(new ClientGoneError('writing', how));
    this.#reportClosed({ how, bytesReceived: this.bytesReceived });
    this.#watch.changed();
  }
}

/** One byte for each character. */
function latin1(bytes: string | Uint8Array): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
}

/** A rejection that a script may leave alone. */
function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}

/**
 * Undoes the content codings of a response body (RFC 9110 §8.4) on its way from the connection to the
 * caller, with backpressure both ways.
 *
 *   connection ─push─▶ zlib ─▶ ResponseBody ─▶ caller          a truncated or broken body is an error
 *
 * What comes out is counted by the body against `maxResponseSize` and `maxBufferedSize`, so a small
 * body that unpacks into a huge one ends at the same limit as any other; zlib itself stops working
 * while its output is not taken.
 */
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { TransportError } from '../errors.js';
import type { BodyProducer, BodySink } from './body-flow.js';
import { copyOf } from './piece-queue.js';
import type { ResponseBody } from './response-body.js';
import type { ResponseHeaders } from './response-headers.js';

export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** Node has zstd from 22.15 and 23.8 on. */
const createZstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress;

/** By their names in `content-encoding`, in lower case. */
export const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ...(createZstd === undefined ? [] : [['zstd', 'zstd'] as const]),
]);

/** Which codings a request offers, and which of those that its response has are undone. */
export interface BodyCodings {
  /** For `accept-encoding`. */
  readonly offer: string;
  /** The last applied first; undefined when there are none, or one that can't be undone. */
  toUndo(headers: ResponseHeaders): readonly Coding[] | undefined;
}

export interface DecoderOwner extends BodyProducer {
  /** The body was given something. */
  decoded(): void;
  decodeFailed(error: TransportError): void;
}

export class BodyDecoder implements BodyProducer, BodySink {
  readonly #owner: DecoderOwner;
  readonly #codings: readonly Coding[];
  #body: ResponseBody | undefined = undefined;
  #first: Transform | undefined = undefined;
  #last: Transform | undefined = undefined;
  #isOver = false;
  #hasInputEnded = false;

  constructor(owner: DecoderOwner, codings: readonly Coding[]) {
    this.#owner = owner;
    this.#codings = codings;
  }

  deliverTo(body: ResponseBody): void {
    this.#body = body;
  }

  take(bytes: Buffer, start: number, end: number): undefined {
    if (this.#isOver) return;
    const piece = copyOf(bytes, start, end);
    this.#first ??= this.#build(piece);
    if (!this.#first.write(piece)) this.#owner.pauseBody();
  }

  end(): void {
    this.#hasInputEnded = true;
    // A body without a byte is complete as it is.
    if (this.#first === undefined || this.#isOver) this.#body?.end();
    else this.#first.end();
  }

  fail(error: unknown, dropRest: boolean): void {
    this.#stop();
    this.#body?.fail(error, dropRest);
  }

  pauseBody(): void {
    this.#last?.pause();
  }

  resumeBody(): void {
    this.#last?.resume();
    if (this.#first?.writableNeedDrain !== true) this.#owner.resumeBody();
  }

  abandonBody(): void {
    this.#stop();
    if (this.#hasInputEnded) this.#body?.end();
    else this.#owner.abandonBody();
  }

  #build(firstPiece: Buffer): Transform {
    const streams = this.#codings.map((coding) => createStream(coding, firstPiece));
    const onError = (cause: Error): void => {
      if (this.#isOver) return;
      this.#stop();
      this.#owner.decodeFailed(
        new TransportError(
          'HOTARU_DECODE_FAILED',
          `the body is not valid ${[...this.#codings].reverse().join(', ')}: ${cause.message}`,
          { cause, phase: 'body', responseStarted: true },
        ),
      );
    };
    streams.forEach((stream, index) => {
      stream.on('error', onError);
      const next = streams[index + 1];
      if (next !== undefined) stream.pipe(next);
    });
    const [first] = streams;
    const last = streams.at(-1);
    if (first === undefined || last === undefined) throw new Error('no coding to undo');
    first.on('drain', () => this.#owner.resumeBody());
    last.on('data', (piece: Buffer) => {
      const error = this.#body?.push(piece);
      if (error === undefined) {
        this.#owner.decoded();
        return;
      }
      this.#stop();
      this.#owner.decodeFailed(error);
    });
    last.on('end', () => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#body?.end();
      // Zeros may follow as padding, and without end: drained within bounds, like a body that was given up.
      if (!this.#hasInputEnded) this.#owner.abandonBody();
    });
    this.#last = last;
    return first;
  }

  #stop(): void {
    this.#isOver = true;
    this.#first?.destroy();
    this.#last?.destroy();
  }
}

function createStream(coding: Coding, firstPiece: Buffer): Transform {
  switch (coding) {
    case 'gzip':
      return zlib.createGunzip();
    case 'br':
      return zlib.createBrotliDecompress();
    case 'zstd':
      if (createZstd === undefined) throw new Error('zstd was not offered');
      return createZstd();
    case 'deflate':
      // Named after the zlib format, yet many servers send the bare one; the first byte tells.
      return ((firstPiece[0] ?? 0) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw();
  }
}

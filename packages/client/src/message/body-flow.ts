/** The three sides of a response body: what delivers it, what takes its bytes, and what reads it. */
import { TransportError } from '../errors.js';

/** The side that delivers: a call in flight, or a decoder. */
export interface BodyProducer {
  pauseBody(): void;
  resumeBody(): void;
  /** The consumer wants no more: drain what little is left, or close the connection. */
  abandonBody(): void;
}

/** What takes the pieces of a body as they come in. */
export interface PieceSink {
  /** Copies a range of the socket's buffer, which is read into again. Returns an error when it is too much. */
  take(bytes: Buffer, start: number, end: number): TransportError | undefined;
}

/** The side that takes what was delivered: a body, or a decoder before it. */
export interface BodySink extends PieceSink {
  end(): void;
  fail(error: unknown, dropRest: boolean): void;
}

/** The side that reads piece by piece: an iterator, or a stream. Each `read()` is answered by one of these. */
export interface BodyReader {
  gotPiece(piece: Buffer): void;
  gotEnd(): void;
  gotError(error: unknown): void;
}

export function tooLarge(limit: string, maxBytes: number): TransportError {
  return new TransportError(
    'HOTARU_RESPONSE_TOO_LARGE',
    `the response body is larger than ${limit} (${maxBytes} bytes)`,
    { phase: 'body', responseStarted: true },
  );
}

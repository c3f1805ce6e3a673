/**
 * Reads a response with `ResponseReader` as a socket would feed it, writes down what came out, and
 * checks on the way what must hold for every input. A broken property is an `Error` with its name.
 */
import {
  fieldsOf,
  ResponseReader,
  WireError,
  type BodyTaker,
  type FieldSection,
  type ResponseEvents,
  type ResponseHead,
  type WireReason,
} from '../../src/index.js';
import type { Random } from './random.js';

export interface Reading {
  readonly informational: number[];
  status: number;
  reason: string;
  fields: [string, string][];
  hasBody: boolean | undefined;
  body: string;
  trailers: [string, string][];
  mayReuse: boolean;
  /** Bytes that belong to this response. */
  consumed: number;
  /** `done`, `waiting` for more bytes, `closed` too early, or a `protocol-error`. */
  outcome: string;
  /** The reason of the error, or ''. */
  refusal: WireReason | '';
  /** The sentence of the error, or ''. */
  message: string;
}

/** How the bytes end: not at all, with FIN (and, over TLS, a goodbye), or with a FIN that can be forged. */
export type Ending = 'open' | 'clean' | 'torn';

const SOCKET_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** Splits at the given places, which may repeat: an empty piece is left out. */
export function piecesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return places
    .slice(1)
    .map((end, i) => bytes.subarray(places[i], end))
    .filter((piece) => piece.length > 0);
}

export function randomCuts(random: Random, length: number): number[] {
  if (random.oneIn(16)) return Array.from({ length }, (_, i) => i);
  return random.several(random.below(5), () => random.below(length + 1));
}

/** One reading. The reader may have read other responses before, as that of a connection has. */
export function read(
  reader: ResponseReader,
  method: string,
  pieces: readonly Buffer[],
  ending: Ending,
): Reading {
  const recorder = new Recorder();
  const { reading } = recorder;
  reader.expect(method, recorder);
  try {
    for (const piece of pieces) feed(reader, recorder, piece);
    if (ending !== 'open') {
      const wasDone = reader.isDone;
      reader.end(ending === 'clean');
      must(reader.isDone, 'after the end it is done or has thrown');
      must(!wasDone || reading.outcome === 'done', 'the end changes nothing when it was done');
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    must(reading.outcome === 'waiting', 'no error once it is done');
    reading.outcome = error.reason.startsWith('end-') ? 'closed' : 'protocol-error';
    reading.refusal = error.reason;
    reading.message = error.message;
    must(
      reader.feed(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')) === 0,
      'it takes nothing after an error',
    );
  }
  must(reader.isDone === (reading.outcome !== 'waiting'), 'isDone says what the events said');
  reader.forget(); // one that still waits
  recorder.check();
  return reading;
}

/** Through one shared buffer, wiped afterwards: whatever the reader keeps, it must have copied. */
function feed(reader: ResponseReader, recorder: Recorder, piece: Buffer): void {
  for (let start = 0; start < piece.length; start += SOCKET_BUFFER.length) {
    const part = SOCKET_BUFFER.subarray(0, piece.copy(SOCKET_BUFFER, 0, start));
    const wasDone = reader.isDone;
    recorder.given = part;
    const used = reader.feed(part);
    must(used >= 0 && used <= part.length, 'it takes no more than it was given');
    must(!wasDone || used === 0, 'it takes nothing once it is done');
    must(reader.isDone || used === part.length, 'it takes everything until it is done');
    recorder.reading.consumed += used;
    part.fill(0x21);
  }
}

export function must(holds: boolean, property: string): void {
  if (!holds) throw new Error(`broken property: ${property}`);
}

class Recorder implements ResponseEvents, BodyTaker {
  given: Buffer = SOCKET_BUFFER;
  #bodyBytes = 0;
  #announced = -1;
  readonly reading: Reading = {
    informational: [],
    status: 0,
    reason: '',
    fields: [],
    hasBody: undefined,
    body: '',
    trailers: [],
    mayReuse: false,
    consumed: 0,
    outcome: 'waiting',
    refusal: '',
    message: '',
  };

  onInformational(head: ResponseHead): void {
    must(this.reading.hasBody === undefined, 'no 1xx after the head');
    must(head.status >= 100 && head.status < 200 && head.status !== 101, 'a 1xx is a 1xx');
    this.reading.informational.push(head.status);
  }

  onHead(head: ResponseHead, hasBody: boolean): BodyTaker {
    const { reading } = this;
    must(reading.hasBody === undefined, 'one head');
    must(head.status >= 200 && head.status <= 999, 'a final status');
    reading.status = head.status;
    reading.reason = head.text.slice(head.reasonStart, head.reasonEnd);
    reading.fields = [...fieldsOf(head)];
    reading.hasBody = hasBody;
    if (hasBody && head.transferEncoding === '') this.#announced = head.contentLength;
    return this;
  }

  take(bytes: Buffer, start: number, end: number): undefined {
    const { reading } = this;
    must(reading.hasBody === true && reading.outcome === 'waiting', 'a body between head and end');
    must(bytes === this.given && start >= 0 && end <= bytes.length, 'body bytes are given ones');
    must(start < end, 'no empty piece of a body');
    this.#bodyBytes += end - start;
    reading.body += bytes.toString('latin1', start, end);
  }

  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void {
    const { reading } = this;
    must(reading.hasBody !== undefined, 'a head before the end');
    must(reading.outcome === 'waiting', 'one end');
    reading.outcome = 'done';
    reading.mayReuse = mayReuse;
    if (trailers !== undefined) reading.trailers = [...fieldsOf(trailers)];
  }

  check(): void {
    if (this.#announced === -1) return;
    must(this.#bodyBytes <= this.#announced, 'no more body than Content-Length says');
    if (this.reading.outcome === 'done')
      must(this.#bodyBytes === this.#announced, 'as much body as Content-Length says');
  }
}

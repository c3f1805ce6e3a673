/**
 * Reads what comes on one connection with `RequestReader`, request after request as a server would, writes down what
 * came out, and checks on the way what must hold for every input. A broken property is an `Error` with its name.
 */
import {
  fieldsOf,
  statusOf,
  WireError,
  type BodyTaker,
  type FieldSection,
  type RequestEvents,
  type RequestHead,
  type RequestReader,
  type WireReason,
} from '../../src/index.js';
import { must, type Ending } from './reading.js';
import type { ExpectedRequest } from './request-plan.js';

/** One request as it was read, and the place of its last byte, counted from the first one of the connection. */
export interface ReadRequest extends ExpectedRequest {
  readonly end: number;
}

export interface RequestsRead {
  readonly requests: readonly ReadRequest[];
  /** A request whose head was read, and its end not. */
  readonly open: Omit<ReadRequest, 'end'> | undefined;
  /**
   * - `waiting`  for more bytes
   * - `ended`    by the client, between two requests
   * - `over`     nothing more is read: the last request said so, or opened a tunnel
   * - a reason   why it was refused
   */
  readonly outcome: 'waiting' | 'ended' | 'over' | WireReason;
  /** The sentence of the error, or ''. */
  readonly message: string;
  /** What a server would answer to it; 0 without an error. */
  readonly status: number;
}

const SOCKET_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** One connection. The reader may have read others before: what one leaves behind, the next would meet. */
export function readRequests(
  reader: RequestReader,
  pieces: readonly Buffer[],
  ending: Ending,
): RequestsRead {
  const recorder = new Recorder();
  let outcome: RequestsRead['outcome'] = 'waiting';
  let message = '';
  let status = 0;
  reader.expect(recorder);
  try {
    for (const piece of pieces) {
      feed(reader, recorder, piece);
      if (recorder.isOver()) break;
    }
    if (recorder.isOver()) outcome = 'over';
    else if (ending !== 'open') {
      reader.end(ending === 'clean');
      must(reader.isDone, 'after the end it is done or has thrown');
      must(recorder.open === undefined, 'a good end is not in the middle of a request');
      outcome = 'ended';
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    outcome = error.reason;
    message = error.message;
    const answer = statusOf(error);
    must(answer !== undefined && answer >= 400, 'a server has an answer to every refusal');
    status = answer ?? 0;
    must(
      reader.feed(Buffer.from('GET / HTTP/1.0\r\n\r\n')) === 0,
      'it takes nothing after an error',
    );
  }
  reader.forget(); // one that still waits
  recorder.check();
  return { requests: recorder.requests, open: recorder.open, outcome, message, status };
}

/** Through one shared buffer, wiped afterwards: whatever the reader keeps, it must have copied. */
function feed(reader: RequestReader, recorder: Recorder, piece: Buffer): void {
  for (let start = 0; start < piece.length; start += SOCKET_BUFFER.length) {
    const part = SOCKET_BUFFER.subarray(0, piece.copy(SOCKET_BUFFER, 0, start));
    let left = part;
    while (left.length > 0 && !recorder.isOver()) {
      recorder.given = left;
      const count = recorder.requests.length;
      const used = reader.feed(left);
      must(used > 0 && used <= left.length, 'it takes some of what it was given, and no more');
      must(reader.isDone || used === left.length, 'it takes everything until it is done');
      must(reader.isDone === recorder.requests.length > count, 'isDone says what the events said');
      recorder.taken(used);
      left = left.subarray(used);
      if (reader.isDone && !recorder.isOver()) reader.expect(recorder);
    }
    part.fill(0x21);
  }
}

type Draft = { -readonly [Key in keyof ExpectedRequest]: ExpectedRequest[Key] };

class Recorder implements RequestEvents, BodyTaker {
  given: Buffer = SOCKET_BUFFER;
  readonly requests: ReadRequest[] = [];
  open: Draft | undefined = undefined;
  #isOver = false;
  #bytes = 0;
  #announced = -1;

  onHead(head: RequestHead, hasBody: boolean): BodyTaker {
    must(this.open === undefined, 'one head for each request');
    must(head.minorVersion === 1 || head.transferEncoding === '', 'no coding in HTTP/1.0');
    must(head.transferEncoding === '' || head.contentLength === -1, 'one way of framing');
    must(head.minorVersion === 0 || head.authority !== '', 'a host');
    must(!/[\0-\x20\x7f#]/.test(head.target), 'a target without blanks, controls and fragments');
    this.#announced = hasBody && head.transferEncoding === '' ? head.contentLength : -1;
    this.open = {
      method: head.method,
      target: head.target,
      form: head.form,
      authority: head.authority,
      minorVersion: head.minorVersion,
      fields: [...fieldsOf(head)],
      hasBody,
      body: '',
      trailers: [],
      expectContinue: head.expectContinue,
      upgrade: head.upgrade,
      mayReuse: head.keepAlive,
    };
    return this;
  }

  take(bytes: Buffer, start: number, end: number): undefined {
    const { open } = this;
    if (open?.hasBody !== true) throw new Error('broken property: a body between head and end');
    must(bytes === this.given && start >= 0 && end <= bytes.length, 'body bytes are given ones');
    must(start < end, 'no empty piece of a body');
    open.body += bytes.toString('latin1', start, end);
  }

  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void {
    const { open } = this;
    if (open === undefined) throw new Error('broken property: a head before the end');
    must(mayReuse === open.mayReuse, 'the end says of the connection what the head said');
    must(this.#announced === -1 || open.body.length === this.#announced, 'as much as it announced');
    if (trailers !== undefined) open.trailers = [...fieldsOf(trailers)];
    this.open = undefined;
    this.requests.push({ ...open, end: -1 });
    this.#isOver = !mayReuse || open.form === 'authority';
  }

  /** No other request is read: a method, because the compiler can't see that `feed` changes it. */
  isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that `feed` took. */
  taken(used: number): void {
    this.#bytes += used;
    const last = this.requests.at(-1);
    if (last?.end === -1) this.requests[this.requests.length - 1] = { ...last, end: this.#bytes };
  }

  check(): void {
    const { open } = this;
    must(
      this.#announced === -1 || open === undefined || open.body.length < this.#announced,
      'no more body than announced',
    );
  }
}

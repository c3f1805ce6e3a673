/**
 * What the test servers on the codec answer, whatever carries their bytes:
 *
 *   GET  /size/N      N bytes
 *   POST /echo        what is posted, as it comes, held back where the peer takes no more
 *   GET  /trailers    two trailers behind `ok`
 *   GET  /early       103 before the answer
 *   GET  /many/N      N fields
 *   HEAD, /empty      no body
 *   anything else     `ok`, once the request is whole
 */
import {
  fieldsOf,
  type BodyTaker,
  type FieldSection,
  type Http2ConnectionEvents,
  type Http2RequestHead,
  type Http2Stream,
  type Http2StreamEvents,
} from '@hotaru/wire';

/** A request as the server has seen it. */
export interface Seen {
  readonly streamId: number;
  readonly head: Http2RequestHead;
  readonly fields: readonly (readonly [string, string])[];
  bodyBytes: number;
  trailers: readonly (readonly [string, string])[] | undefined;
  outcome: 'open' | 'whole' | 'failed';
  error: Error | undefined;
}

export interface Hooks {
  readonly onOutput?: () => void;
  readonly onClosed?: () => void;
}

/** The events of a connection that answers; what it sees goes to `seen`. */
export function answering(seen: Seen[], hooks: Hooks = {}): Http2ConnectionEvents {
  return {
    onOutput: () => hooks.onOutput?.(),
    onSettings: () => {},
    onGoaway: () => {},
    onPong: () => {},
    onStream: (stream) => new Answer(stream, seen),
    onStreamClosed: () => hooks.onClosed?.(),
  };
}

const EMPTY = Buffer.alloc(0);

class Answer implements Http2StreamEvents<Http2RequestHead>, BodyTaker {
  readonly #stream: Http2Stream;
  readonly #all: Seen[];
  #seen: Seen | undefined = undefined;
  /** Bytes of the answer that wait for room. */
  #waiting: Buffer = EMPTY;
  /** Nothing comes behind what waits. */
  #isLast = false;
  #isEcho = false;
  #trailers: readonly string[] | undefined = undefined;
  #hasEnded = false;

  constructor(stream: Http2Stream, all: Seen[]) {
    this.#stream = stream;
    this.#all = all;
  }

  onInformational(): void {
    throw new Error('a request has no informational heads');
  }

  onHead(head: Http2RequestHead): BodyTaker {
    this.#seen = {
      streamId: this.#stream.id,
      head,
      fields: [...fieldsOf(head)],
      bodyBytes: 0,
      trailers: undefined,
      outcome: 'open',
      error: undefined,
    };
    this.#all.push(this.#seen);
    if (head.expectContinue) this.#stream.inform(100, []);
    this.#isEcho = head.target === '/echo';
    if (this.#isEcho) this.#stream.respond(200, ['content-type', 'text/plain'], false);
    return this;
  }

  take(bytes: Buffer, start: number, end: number): undefined {
    if (this.#seen !== undefined) this.#seen.bodyBytes += end - start;
    if (!this.#isEcho) return;
    this.#waiting = Buffer.concat([this.#waiting, bytes.subarray(start, end)]);
    this.#push();
    if (this.#waiting.length > 0) this.#stream.pause();
  }

  onEnd(trailers: FieldSection | undefined): void {
    const seen = this.#seen;
    if (seen === undefined) return;
    seen.trailers = trailers === undefined ? undefined : [...fieldsOf(trailers)];
    seen.outcome = 'whole';
    this.#isLast = true;
    if (this.#isEcho) this.#push();
    else this.#answer(seen.head);
  }

  onRoom(): void {
    this.#push();
    if (this.#waiting.length === 0) this.#stream.resume();
  }

  onStopSending(): void {}

  onFailed(error: Error): void {
    if (this.#seen === undefined) return;
    this.#seen.outcome = 'failed';
    this.#seen.error = error;
  }

  #answer({ method, target }: Http2RequestHead): void {
    const size = /^\/size\/(\d+)$/.exec(target)?.[1];
    const many = /^\/many\/(\d+)$/.exec(target)?.[1];
    const fields = ['content-type', 'text/plain'];
    for (let i = 0; i < Number(many ?? 0); i += 1) fields.push(`x-field-${i}`, `${i}`.repeat(20));
    if (target === '/early') this.#stream.inform(103, ['link', '</style.css>; rel=preload']);
    if (target === '/trailers') this.#trailers = ['x-checksum', 'abc', 'x-count', '2'];
    this.#waiting = size === undefined ? Buffer.from('ok') : Buffer.alloc(Number(size), 0x61);
    if (method === 'HEAD' || target === '/empty') {
      this.#stream.respond(200, fields, true);
      return;
    }
    if (target !== '/trailers') fields.push('content-length', String(this.#waiting.length));
    this.#stream.respond(200, fields, false);
    this.#push();
  }

  /** Sends what there is room for. With more to send, `room` is read until it is 0: that asks for `onRoom()`. */
  #push(): void {
    const stream = this.#stream;
    if (stream.isClosed || this.#hasEnded) return;
    const endsWithData = this.#isLast && this.#trailers === undefined;
    while (this.#waiting.length > 0) {
      const length = Math.min(stream.room, this.#waiting.length);
      if (length === 0) return;
      const sent = this.#waiting;
      this.#waiting = sent.subarray(length);
      this.#hasEnded = endsWithData && this.#waiting.length === 0;
      stream.send(sent, 0, length, this.#hasEnded);
    }
    if (!this.#isLast || this.#hasEnded) return;
    this.#hasEnded = true;
    stream.end(this.#trailers);
  }
}

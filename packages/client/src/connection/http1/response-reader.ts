/**
 * Reads one response after another from a connection: 1xx heads, the final head, its body by the
 * framing rules of RFC 9112 §6.3, trailers. Knows nothing of sockets; bytes go in, events come out.
 *
 *   head ──1xx──▶ head            with at most one empty line between them, as aiohttp writes
 *        ──▶ length | chunked ─▶ trailers | until-close | none ──▶ done
 */
import { CONSTANTS } from '../../config/constants.js';
import { TransportError } from '../../errors.js';
import { CR, LF } from '@hotaru/wire';
import type { PieceSink } from '../../message/body-flow.js';
import { ChunkedDecoder } from './chunked-decoder.js';
import { HeadParser, type ParsedHead } from './head-parser.js';
import { FIXED_BOUND, protocolError } from './protocol-error.js';

export interface ReaderEvents {
  onInformational(head: ParsedHead): void;
  /**
   * Returns what takes the body: ranges of the bytes given to `feed`, at most one for each call of it, to be
   * copied. An error that it returns is thrown by `feed`. Undefined: the body is read and dropped. Both may call
   * `forget()`. `hasBody` is false when the message ends with its head.
   */
  onHead(head: ParsedHead, hasBody: boolean): PieceSink | undefined;
  /** `mayReuse`: the framing leaves no doubt where the next response starts. */
  onDone(trailers: ParsedHead | undefined, mayReuse: boolean): void;
}

const enum State {
  Head,
  Length,
  Chunked,
  Trailers,
  UntilClose,
  Done,
}

export class ResponseReader {
  readonly #headParser = new HeadParser();
  #chunked: ChunkedDecoder | undefined = undefined;
  #state: State = State.Done;
  #events: ReaderEvents | undefined = undefined;
  #sink: PieceSink | undefined = undefined;
  #method = 'GET';
  #remaining = 0;
  #informational = 0;
  #mayReuse = false;
  /** An informational head said what it may not: where the next response starts is in doubt. */
  #isDoubtful = false;
  /** Which byte of an empty line after an informational head may come next. */
  #strayByte: typeof CR | typeof LF | undefined = undefined;
  #hasStarted = false;

  /** Makes it ready for the response to a request of `method`. */
  expect(method: string, events: ReaderEvents): void {
    this.#headParser.reset(true);
    this.#state = State.Head;
    this.#method = method;
    this.#events = events;
    this.#informational = 0;
    this.#isDoubtful = false;
    this.#strayByte = undefined;
    this.#hasStarted = false;
  }

  /** Has any byte of the response, 1xx included, arrived? */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  get isDone(): boolean {
    return this.#state === State.Done;
  }

  /** Drops the events; nothing is reported any more. */
  forget(): void {
    this.#events = undefined;
    this.#sink = undefined;
    this.#state = State.Done;
  }

  /**
   * Returns how many bytes belong to this response; what follows belongs to no response. The bytes may be
   * changed until it returns: the data of chunks is moved together within them.
   *
   * @throws TransportError `HOTARU_PROTOCOL_ERROR`, and what the sink of the body returns
   */
  feed(bytes: Buffer): number {
    this.#hasStarted = true;
    let i = 0;
    while (i < bytes.length && this.#state !== State.Done) {
      const before = this.#state;
      i = this.#step(bytes, i);
      // An empty trailer section still has to be looked for; everything else takes bytes or waits.
      if (i === bytes.length && before === this.#state) break;
    }
    return i;
  }

  /**
   * The peer has finished sending. Throws when that cuts the response off, or may have: over TLS, a
   * body that ends with the connection is whole only if the peer said goodbye (close_notify), because
   * every machine on the way can forge a FIN (RFC 8446 §6.1). `hint`: why there may be no answer at all.
   */
  end(isClean: boolean, hint = ''): void {
    if (this.#state === State.Done) return;
    if (this.#state === State.UntilClose && isClean) {
      this.#done(undefined);
      return;
    }
    if (this.#state === State.Head || this.#state === State.Trailers)
      this.#headParser.checkOpenLine();
    throw new TransportError('HOTARU_CONNECTION_CLOSED', this.#cutOff(hint));
  }

  #cutOff(hint: string): string {
    if (!this.#hasStarted) return `the peer closed the connection before it answered${hint}`;
    if (this.#state === State.Head)
      return 'the peer closed the connection in the middle of the response head';
    if (this.#state === State.UntilClose)
      return 'the TLS connection ended without close_notify: the body may have been cut off';
    if (this.#state === State.Length)
      return `the peer closed the connection ${this.#remaining} bytes before the end of the body`;
    return 'the peer closed the connection before the last chunk of the body';
  }

  #step(bytes: Buffer, start: number): number {
    switch (this.#state) {
      case State.Head: {
        if (this.#strayByte !== undefined && this.#isStray(bytes[start])) return start + 1;
        const end = this.#headParser.feed(bytes, start);
        if (end === -1 || this.#headParser.head === undefined) return bytes.length;
        this.#gotHead(this.#headParser.head);
        return end;
      }
      case State.Length: {
        const length = Math.min(this.#remaining, bytes.length - start);
        this.#remaining -= length;
        this.#give(bytes, start, start + length);
        if (this.#remaining === 0 && !this.isDone) this.#done(undefined);
        return start + length;
      }
      case State.Chunked: {
        const decoder = this.#chunked;
        if (decoder === undefined) throw new Error('no chunked decoder');
        const end = decoder.feed(bytes, start, this.#onChunkData);
        if (decoder.isDone && !this.isDone) {
          this.#headParser.reset(false);
          this.#state = State.Trailers;
        }
        return end;
      }
      case State.Trailers: {
        const end = this.#headParser.feed(bytes, start);
        if (end === -1) return bytes.length;
        this.#done(this.#headParser.head);
        return end;
      }
      case State.UntilClose:
        this.#give(bytes, start, bytes.length);
        return bytes.length;
      case State.Done:
        return start;
    }
  }

  /**
   * aiohttp ends the empty line of its `100 Continue` twice. A whole CRLF is skipped there, once: what follows
   * must be a status line all the same, so nothing can hide in it.
   */
  #isStray(byte: number | undefined): boolean {
    const expected = this.#strayByte;
    this.#strayByte = expected === CR && byte === CR ? LF : undefined;
    if (expected === LF && byte !== LF)
      throw protocolError('a bare CR after an informational response', 'RFC 9112 §2.2');
    return byte === expected;
  }

  readonly #onChunkData = (bytes: Buffer, start: number, end: number): void => {
    this.#give(bytes, start, end);
  };

  #give(bytes: Buffer, start: number, end: number): void {
    const error = this.#sink?.take(bytes, start, end);
    if (error !== undefined) throw error;
  }

  #gotHead(head: ParsedHead): void {
    const { status } = head;
    if (status < 200) {
      if (status === 101)
        throw protocolError('101 Switching Protocols was not asked for', 'RFC 9110 §15.2.2');
      this.#informational += 1;
      if (this.#informational > CONSTANTS.maxInformational)
        throw protocolError(
          `more than ${CONSTANTS.maxInformational} informational responses`,
          FIXED_BOUND,
        );
      // It has no body whatever it says (RFC 9110 §15.2); a proxy on the way may have read it otherwise.
      if (head.contentLength !== -1 || head.transferEncoding !== '' || head.saysClose)
        this.#isDoubtful = true;
      this.#headParser.reset(true);
      this.#strayByte = CR;
      this.#events?.onInformational(head);
      return;
    }
    // Checked even where there is no body: contradictory framing is never a message to build on.
    const coding = head.transferEncoding;
    if (coding !== '' && coding !== 'chunked')
      throw protocolError(
        `Transfer-Encoding ${JSON.stringify(coding)}: only chunked was asked for`,
        'RFC 9112 §6.1',
      );
    const isKeptAlive =
      head.minorVersion === 1 ? !head.saysClose : head.saysKeepAlive && !head.saysClose;
    const isAmbiguous = coding !== '' && (head.contentLength !== -1 || head.minorVersion === 0);
    this.#mayReuse = isKeptAlive && !isAmbiguous && !this.#isDoubtful;

    const hasNoBody = this.#method === 'HEAD' || status === 204 || status === 304;
    if (hasNoBody || (coding === '' && head.contentLength === 0)) {
      this.#events?.onHead(head, false);
      this.#done(undefined);
      return;
    }
    if (coding !== '') {
      this.#chunked ??= new ChunkedDecoder();
      this.#chunked.reset();
      this.#state = State.Chunked;
    } else if (head.contentLength !== -1) {
      this.#remaining = head.contentLength;
      this.#state = State.Length;
    } else {
      this.#mayReuse = false;
      this.#state = State.UntilClose;
    }
    const sink = this.#events?.onHead(head, true);
    if (!this.isDone) this.#sink = sink;
  }

  #done(trailers: ParsedHead | undefined): void {
    this.#state = State.Done;
    const events = this.#events;
    this.#events = undefined;
    this.#sink = undefined;
    this.#headParser.head = undefined; // an idle connection keeps no text of its last answer
    events?.onDone(trailers, this.#mayReuse);
  }
}

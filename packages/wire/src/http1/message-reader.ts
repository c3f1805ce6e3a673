/**
 * Reads one message after another from a connection: head, body, trailers. Knows nothing of sockets; bytes go in,
 * events come out. What differs between responses and requests is in response-reader.ts and request-reader.ts.
 *
 *                                        ┌─ none, tunnel ──────────────────┐
 *   waiting ─▶ head ─▶ (how it is framed)├─ length ────────────────────────┼─▶ done ─expect─▶ waiting
 *      ▲        │                        ├─ chunked ─▶ trailers ───────────┤
 *      │        └─1xx─▶ between ─▶ head  └─ until-close (ends with `end`) ─┘
 *      └─ empty line      └─ empty line
 *
 *   waiting-lf, between-lf   the CR of an empty line before a head has come: only its LF may follow
 *   dropped                  forgotten before a byte of it came; elsewhere `forget` leads to done
 *   an error                 forgets: where another message might start is not known, and nothing more is taken
 *
 * It stops where the message ends: bytes that were not taken are the next request, or what is spoken after a switch
 * (CONNECT, Upgrade), or nothing that was asked for. The owner knows which, by the head.
 */
import { CR, LF } from '../grammar/index.js';
import type { FieldSection, Framed } from '../head.js';
import type { ChunkLimits, HeadLimits } from '../limits.js';
import { WireError } from '../wire-error.js';
import { ChunkedDecoder } from './chunked.js';
import type { Framing } from './framing.js';
import { HeadReader, type HeadHandler } from './head-reader.js';

/** What takes a body. */
export interface BodyTaker {
  /**
   * A range of the bytes given to `feed`, at most one for each call of it: copy what outlives the call. An error that
   * it returns is thrown by `feed`.
   */
  take(bytes: Buffer, start: number, end: number): Error | undefined;
}

/** Each of these, and the taker of the body, may call `forget()`; `expect` only `onDone` may. */
export interface MessageEvents<Head> {
  /** Returns what takes the body; without it the body is read and dropped. `hasBody` is false when there is none. */
  onHead(head: Head, hasBody: boolean): BodyTaker | undefined;
  /** `mayReuse`: the framing leaves no doubt where the next message starts, and the peer said that one may follow. */
  onDone(trailers: FieldSection | undefined, mayReuse: boolean): void;
}

const enum State {
  Waiting,
  WaitingLf,
  Between,
  BetweenLf,
  Head,
  Length,
  Chunked,
  Trailers,
  UntilClose,
  Done,
  Dropped,
}

/** What a head leads to: a body, its end, or, after a 1xx, another head. */
export type Verdict = Framing | 'interim';

export abstract class MessageReader<Head extends Framed, Events extends MessageEvents<Head>> {
  protected events: Events | undefined = undefined;
  /** Set by `judge`, told with the end of the message. */
  protected mayReuse = false;
  readonly #noun: 'request' | 'response';
  readonly #limits: ChunkLimits;
  readonly #headReader: HeadReader<Head>;
  #taker: BodyTaker | undefined = undefined;
  #chunked: ChunkedDecoder | undefined = undefined;
  #state: State = State.Done;
  #remaining = 0;
  /** How many empty lines may still come before the head. */
  #emptyLines = 0;

  constructor(
    noun: 'request' | 'response',
    handler: HeadHandler<Head>,
    limits: HeadLimits & ChunkLimits,
  ) {
    this.#noun = noun;
    this.#limits = limits;
    this.#headReader = new HeadReader(handler, limits);
  }

  /** How the message with this head goes on; sets `mayReuse`. @throws WireError */
  protected abstract judge(head: Head): Verdict;

  /** An informational head was read. Only in the role that can meet one. */
  protected abstract onInterim(head: Head): void;

  /** Makes it ready for the next message. In the middle of one, the rest of its body would be read as a head. */
  protected start(events: Events, emptyLines: number): void {
    if (this.hasStarted && !this.isDone)
      throw new Error(`the ${this.#noun} before is still being read`);
    this.#headReader.reset(true);
    this.#state = State.Waiting;
    this.#emptyLines = emptyLines;
    this.events = events;
  }

  /** Has any byte of the message, 1xx included, arrived? */
  get hasStarted(): boolean {
    const state = this.#state;
    return state !== State.Waiting && state !== State.WaitingLf && state !== State.Dropped;
  }

  get isDone(): boolean {
    return this.#state >= State.Done;
  }

  /** Drops the events; nothing is reported any more. */
  forget(): void {
    this.events = undefined;
    this.#taker = undefined;
    this.#state = this.hasStarted ? State.Done : State.Dropped;
  }

  /**
   * Returns how many bytes belong to this message. The bytes may be changed until it returns: the data of chunks is
   * moved together within them. After an error it takes nothing.
   *
   * @throws WireError, and what the taker of the body returns
   */
  feed(bytes: Buffer): number {
    let i = 0;
    try {
      while (i < bytes.length && this.#state < State.Done) i = this.#step(bytes, i);
    } catch (error) {
      this.forget();
      throw error;
    }
    return i;
  }

  /**
   * The peer has finished sending. Throws when that cuts the message off, or may have: `isClean` says that the end
   * cannot be forged. Over TLS, a body that ends with the connection is whole only if the peer said goodbye
   * (close_notify), because every machine on the way can forge a FIN (RFC 8446 §6.1).
   *
   * @throws WireError
   */
  end(isClean: boolean): void {
    try {
      this.#judgeEnd(isClean);
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  #judgeEnd(isClean: boolean): void {
    const closed = 'the peer closed the connection';
    switch (this.#state) {
      case State.Done:
      case State.Dropped:
        return;
      case State.Waiting:
      case State.WaitingLf:
        throw new WireError('end-before-start', `${closed} before a ${this.#noun}`);
      case State.Head:
      case State.Between:
      case State.BetweenLf:
        this.#headReader.checkOpenLine();
        throw new WireError('end-in-head', `${closed} in the middle of the ${this.#noun} head`);
      case State.UntilClose:
        if (!isClean) throw new WireError('end-unclean', `${closed}, or another machine has`);
        this.#done(undefined);
        return;
      case State.Length: {
        const what = `${closed} ${this.#remaining} bytes before the end of the body`;
        throw new WireError('end-in-body', what);
      }
      case State.Trailers:
      case State.Chunked:
        this.#headReader.checkOpenLine();
        throw new WireError('end-in-body', `${closed} before the last chunk of the body`);
    }
  }

  #step(bytes: Buffer, start: number): number {
    switch (this.#state) {
      case State.Waiting:
      case State.Between:
        if (this.#emptyLines > 0 && bytes[start] === CR) {
          this.#emptyLines -= 1;
          this.#state = this.#state === State.Waiting ? State.WaitingLf : State.BetweenLf;
          return start + 1;
        }
        this.#state = State.Head;
        return this.#readHead(bytes, start);
      case State.WaitingLf:
      case State.BetweenLf:
        if (bytes[start] !== LF) throw this.#bareCr();
        this.#state = this.#state === State.WaitingLf ? State.Waiting : State.Between;
        return start + 1;
      case State.Head:
        return this.#readHead(bytes, start);
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
          this.#headReader.reset(false);
          this.#state = State.Trailers;
        }
        return end;
      }
      case State.Trailers: {
        const end = this.#headReader.feed(bytes, start);
        if (end === -1) return bytes.length;
        this.#done(this.#headReader.trailers);
        return end;
      }
      case State.UntilClose:
        this.#give(bytes, start, bytes.length);
        return bytes.length;
      case State.Done:
      case State.Dropped:
        return start;
    }
  }

  #readHead(bytes: Buffer, start: number): number {
    const end = this.#headReader.feed(bytes, start);
    const { head } = this.#headReader;
    if (end === -1 || head === undefined) return bytes.length;
    this.#gotHead(head);
    return end;
  }

  readonly #onChunkData = (bytes: Buffer, start: number, end: number): void => {
    this.#give(bytes, start, end);
  };

  #give(bytes: Buffer, start: number, end: number): void {
    const error = this.#taker?.take(bytes, start, end);
    if (error !== undefined) throw error;
  }

  #gotHead(head: Head): void {
    const verdict = this.judge(head);
    switch (verdict) {
      case 'interim':
        this.#headReader.reset(true);
        this.#state = State.Between;
        // aiohttp ends the empty line of its `100 Continue` twice. A whole CRLF is skipped there, once: what
        // follows must be a status line all the same, so nothing can hide in it.
        this.#emptyLines = 1;
        this.onInterim(head);
        return;
      case 'none':
      case 'tunnel':
        this.events?.onHead(head, false);
        this.#done(undefined);
        return;
      case 'length':
        this.#remaining = head.contentLength;
        this.#state = State.Length;
        break;
      case 'chunked':
        this.#chunked ??= new ChunkedDecoder(this.#limits, this.#noun === 'request');
        this.#chunked.reset();
        this.#state = State.Chunked;
        break;
      case 'until-close':
        this.#state = State.UntilClose;
    }
    const taker = this.events?.onHead(head, true);
    if (!this.isDone) this.#taker = taker;
  }

  #done(trailers: FieldSection | undefined): void {
    this.#state = State.Done;
    const { events } = this;
    this.events = undefined;
    this.#taker = undefined;
    this.#headReader.forget();
    events?.onDone(trailers, this.mayReuse);
  }

  #bareCr(): Error {
    const where =
      this.#state === State.BetweenLf ? 'after an informational response' : 'before a start line';
    return new WireError('line-end', `a bare CR ${where}`);
  }
}

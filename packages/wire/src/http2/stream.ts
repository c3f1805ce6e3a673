/**
 * One stream: its state, its windows, and the verbs of its user. What a verb leads to on the wire is for the sending side
 * of the connection (stream-sender.ts); every change of state goes through the table (stream-state.ts).
 *
 * Verbs of a stream that is closed do nothing: its end may have come while the user was about to call.
 */
import type { BodyTaker } from '../http1/message-reader.js';
import { ReceiveWindow } from './flow-window.js';
import type {
  Http2RequestHead,
  Http2ResponseHead,
  Http2Stream,
  Http2StreamEvents,
} from './stream-api.js';
import { mayReceive, StreamState } from './stream-state.js';

/** A user is given the heads of one role alone. */
export type StreamEvents = Http2StreamEvents<Http2RequestHead | Http2ResponseHead>;

/** Of a stream that its user has given up, or that was settled. */
export const SILENT: StreamEvents = Object.freeze({
  onInformational() {},
  onHead: () => undefined,
  onEnd() {},
  onRoom() {},
  onStopSending() {},
  onFailed() {},
});

/** What a user that has found no room waits for. */
export const Wait = Object.freeze({ Nothing: 0x0, OwnWindow: 0x1, Connection: 0x2 } as const);
export type Wait = (typeof Wait)[keyof typeof Wait];

/** What the request of a stream makes of its response. */
export type Asked = 'usual' | 'head' | 'connect';

export interface StreamOwner {
  roomOf(stream: Stream): number;
  sendData(stream: Stream, bytes: Uint8Array, start: number, end: number, isLast: boolean): void;
  sendTrailers(stream: Stream, fields: readonly string[]): void;
  sendResponse(
    stream: Stream,
    status: number,
    fields: readonly string[],
    isFinal: boolean,
    isLast: boolean,
  ): void;
  reset(stream: Stream, code: number): void;
  giveCredit(stream: Stream): void;
}

export class Stream implements Http2Stream {
  readonly id: number;
  state: StreamState = StreamState.Idle;
  hasStarted = false;
  /** The final head of the peer has come. */
  hasHead = false;
  /** `onEnd` was called, or is: the peer's message is whole. */
  hasEnded = false;
  /** It is closed, and nothing of it is called any more. */
  hasLeft = false;
  events: StreamEvents;
  taker: BodyTaker | undefined = undefined;
  readonly asked: Asked;
  /** What is left of the peer's `Content-Length`; −1 when it said nothing. */
  remaining = -1;
  /** By its method or status: whatever its `Content-Length` says. */
  isBodiless = false;
  informational = 0;
  /** What we may still send. */
  sendWindow: number;
  readonly receiveWindow: ReceiveWindow;
  isPaused = false;
  /** A reader that has never paused is given a larger window. */
  hasPaused = false;
  waitsFor: Wait = Wait.Nothing;
  /** Its data in the output, and which output that was: by what had been taken before. */
  turnBytes = 0;
  turnAt = -1;
  /** Our final head has been sent. */
  hasAnswered: boolean;
  /** Where its first byte stands in all that is written on the connection. */
  readonly startsAt: number;
  readonly #owner: StreamOwner;

  constructor(
    id: number,
    owner: StreamOwner,
    events: StreamEvents,
    asked: Asked,
    sendWindow: number,
    receiveWindow: ReceiveWindow,
    startsAt: number,
    hasAnswered: boolean,
  ) {
    this.id = id;
    this.#owner = owner;
    this.events = events;
    this.asked = asked;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.startsAt = startsAt;
    this.hasAnswered = hasAnswered;
  }

  get isClosed(): boolean {
    return this.state === StreamState.Closed;
  }

  /** Can anything of the peer's message still come? */
  get mayReceive(): boolean {
    return mayReceive(this.state);
  }

  get room(): number {
    return this.#owner.roomOf(this);
  }

  send(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    if (!this.isClosed) this.#owner.sendData(this, bytes, start, end, isLast);
  }

  end(trailers?: readonly string[]): void {
    if (this.isClosed) return;
    if (trailers === undefined || trailers.length === 0)
      this.#owner.sendData(this, NO_BYTES, 0, 0, true);
    else this.#owner.sendTrailers(this, trailers);
  }

  inform(status: number, fields: readonly string[]): void {
    if (!this.isClosed) this.#owner.sendResponse(this, status, fields, false, false);
  }

  respond(status: number, fields: readonly string[], isLast: boolean): void {
    if (!this.isClosed) this.#owner.sendResponse(this, status, fields, true, isLast);
  }

  reset(code: number): void {
    this.#owner.reset(this, code);
  }

  pause(): void {
    this.isPaused = true;
    this.hasPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.#owner.giveCredit(this);
  }
}

const NO_BYTES = new Uint8Array(0);

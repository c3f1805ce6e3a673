/**
 * The sending side of one exchange: head, perhaps a wait for `100 Continue`, body. It has the states that a
 * clock or an error may ask about, `SendState` (exchange.ts), and tells each change of them. Here is what all protocols
 * share: the states, the body in its three shapes, what is left of a large piece, giving up. How bytes are framed,
 * and when there is room for them, each protocol says in a class of its own.
 *
 * Whatever ends it before `written`, the caller's stream is given up: a file behind it is closed.
 */
import { CONSTANTS } from '../config/constants.js';
import { invalidRequest } from '../errors.js';
import { abandonSource, NO_BODY, type RequestBody } from '../message/request-body.js';
import type { SendState } from './exchange.js';
import { Upload, type UploadTarget } from './upload.js';

export interface WriterEvents {
  /** Each change of state but `stopped`, which the owner caused. */
  sending(state: SendState): void;
  /** The caller's stream failed, or its length was not as announced. */
  bodyFailed(error: Error): void;
}

export abstract class RequestWriter implements UploadTarget {
  readonly #events: WriterEvents;
  #state: SendState = 'head';
  /** Not held for longer than it is needed: a response may be kept, and holds what led to it. */
  #body: RequestBody;
  /** Announced; −1 for nothing. */
  protected contentLength = -1;
  /** What is left of large bytes, and how long that was. */
  #rest: Uint8Array | undefined = undefined;
  #restBytes = 0;
  #upload: Upload | undefined = undefined;
  #isStreamRead = false;
  /** Bytes of the request that were handed over. */
  bytesSent = 0;

  constructor(body: RequestBody, events: WriterEvents) {
    this.#body = body;
    this.#events = events;
  }

  get state(): SendState {
    return this.#state;
  }

  /** Every byte was handed over. */
  get isHandedOver(): boolean {
    return this.#state === 'written' || this.#state === 'flush';
  }

  /** Was the caller's stream read from? Then no other exchange can send it. */
  get isStreamRead(): boolean {
    return this.#isStreamRead;
  }

  /** 100 came, or it is not waited for any longer. */
  continue(): void {
    if (this.#state === 'continue') this.writeBody();
  }

  /** The rest is not wanted. Without a word: who calls this knows. */
  stop(): void {
    if (this.#state === 'written') return;
    this.giveUp();
    this.#state = 'stopped';
  }

  /** The same, but the body is for another exchange: nothing of it was read. */
  leaveBody(): void {
    this.#body = NO_BODY;
    this.stop();
  }

  // ── how a protocol writes ──────────────────────────────────────────────────────────────────────

  /** May more be written now? */
  protected abstract get hasRoom(): boolean;
  /** Takes a small piece whole, in its frame; false when there is no room for that. */
  protected abstract putWhole(piece: Uint8Array | string, length: number): boolean;
  /** A large piece, of bytes that come by `putSlice`: what goes before it, and behind it. */
  protected abstract beginLarge(length: number): void;
  /** Takes some of these, and says how many; 0 only when there is no room. */
  protected abstract putSlice(bytes: Uint8Array): number;
  protected abstract endLarge(): void;
  /** Behind the last byte of a body. */
  protected abstract endBody(): void;
  /** Every byte is handed over: enters `written` or `flush`, now or once it was written. */
  protected abstract allHandedOver(): void;

  // ── body ───────────────────────────────────────────────────────────────────────────────────────

  protected writeBody(): void {
    const body = this.#body;
    if (body.kind === 'bytes') {
      const { bytes, length } = body;
      if (!this.hasLength(bytes, length)) return;
      if (length <= CONSTANTS.uploadSliceBytes && this.putWhole(bytes, length)) this.#handOver();
      else {
        this.#beginRest(bytes, length);
        this.#writeRest();
      }
    } else if (body.kind === 'stream') {
      const upload = new Upload(body.source, this.contentLength, this);
      this.#upload = upload;
      this.#isStreamRead = true;
      this.enter('source');
      upload.start();
    }
  }

  takePiece(piece: Uint8Array | string, length: number): boolean {
    if (length <= CONSTANTS.uploadSliceBytes && this.putWhole(piece, length)) {
      if (this.hasRoom) return true;
      this.enter('socket');
      return false;
    }
    this.beginLarge(length);
    this.#beginRest(piece, length);
    return this.#writeRest();
  }

  /** There is room again. */
  roomCame(): void {
    switch (this.#state) {
      case 'flush':
        this.enter('written');
        return;
      case 'socket':
        if (this.#rest !== undefined) {
          if (!this.hasLength(this.#rest, this.#restBytes)) return;
          if (!this.#writeRest()) return;
        }
        if (this.#upload === undefined) return;
        this.enter('source');
        this.#upload.resume();
        return;
      default: // nothing waits for room
    }
  }

  #beginRest(bytes: Uint8Array | string, length: number): void {
    this.#rest = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#restBytes = length;
  }

  /**
   * Slice by slice, each when the one before has left: so a peer that takes them slowly is seen to take them. True when
   * all are handed over, and there is room for more.
   */
  #writeRest(): boolean {
    for (;;) {
      const rest = this.#rest;
      if (rest === undefined) return false;
      const taken = this.putSlice(rest);
      this.#restBytes -= taken;
      if (this.#restBytes === 0) return this.#restDone();
      this.#rest = rest.subarray(taken);
      if (!this.hasRoom) {
        this.enter('socket');
        return false;
      }
    }
  }

  #restDone(): boolean {
    this.#rest = undefined;
    if (this.#upload === undefined) {
      this.#handOver();
      return false;
    }
    this.endLarge();
    if (this.hasRoom) return true;
    this.enter('socket');
    return false;
  }

  /**
   * Bytes are not copied, and their buffer can be transferred away or resized while the call waits: what was
   * announced could then not be sent, and the peer would take what follows for the rest of it.
   */
  protected hasLength(bytes: string | Uint8Array, length: number): boolean {
    if (typeof bytes === 'string' || bytes.byteLength === length) return true;
    const what =
      this.#upload === undefined
        ? 'the bytes of the body were transferred or resized before they were sent'
        : 'a piece of the body was transferred or resized while it was sent';
    this.#events.bodyFailed(invalidRequest(what));
    return false;
  }

  uploadDone(): void {
    this.#handOver();
  }

  uploadFailed(error: Error): void {
    this.#events.bodyFailed(error);
  }

  #handOver(): void {
    this.endBody();
    this.#body = NO_BODY;
    this.#upload = undefined;
    this.allHandedOver();
  }

  // ── states ─────────────────────────────────────────────────────────────────────────────────────

  protected enter(state: SendState): void {
    this.#state = state;
    this.#events.sending(state);
  }

  protected giveUp(): void {
    const body = this.#body;
    this.#body = NO_BODY;
    this.#rest = undefined;
    if (this.#upload !== undefined) this.#upload.stop();
    else if (body.kind === 'stream') abandonSource(body.source);
    this.#upload = undefined;
  }
}

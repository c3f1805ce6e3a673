/**
 * The sending side of one exchange: head, perhaps a wait for `100 Continue`, body. It has the states that a
 * clock or an error may ask about, `SendState` (exchange.ts), and tells each change of them.
 *
 * Whatever ends it before `written`, the caller's stream is given up: a file behind it is closed.
 */
import { CONSTANTS } from '../../config/constants.js';
import { invalidRequest } from '../../errors.js';
import { abandonSource, NO_BODY, type RequestBody } from '../../message/request-body.js';
import type { ExchangeRequest, SendState } from '../exchange.js';
import type { Transport } from '../transport.js';
import { requestHead } from './request-head.js';
import { Upload, type UploadEvents, type UploadTarget } from './upload.js';

export interface WriterEvents {
  /** Each change of state but `stopped`, which the owner caused. */
  sending(state: SendState): void;
  /** The caller's stream failed, or its length was not as announced. */
  bodyFailed(error: Error): void;
}

export class RequestWriter implements UploadEvents, UploadTarget {
  readonly #transport: Transport;
  readonly #events: WriterEvents;
  #state: SendState = 'head';
  /** Not held for longer than it is needed: a response may be kept, and holds what led to it. */
  #body: RequestBody;
  #contentLength = -1;
  /** What is left of large bytes, and how long that was. */
  #rest: Uint8Array | undefined = undefined;
  #restBytes = 0;
  #upload: Upload | undefined = undefined;
  /** Bytes handed to the socket. */
  bytesSent = 0;

  constructor(transport: Transport, body: RequestBody, events: WriterEvents) {
    this.#transport = transport;
    this.#body = body;
    this.#events = events;
  }

  get state(): SendState {
    return this.#state;
  }

  /** Every byte was handed to the socket; whether they have left it, `socket.writableLength` says. */
  get isHandedOver(): boolean {
    return this.#state === 'written' || this.#state === 'flush';
  }

  start(request: ExchangeRequest, isLastUse: boolean): void {
    const { body } = request;
    const head = requestHead(request, isLastUse);
    if (body.kind === 'none') {
      this.#handedOver(this.write(head, 'latin1'));
      return;
    }
    if (body.kind === 'bytes' && !request.expectsContinue) {
      const { bytes, length } = body;
      // ASCII text is the same in Latin-1: head and body become one string and one system call.
      const isAscii = typeof bytes === 'string' && length === bytes.length;
      if (isAscii && length <= CONSTANTS.oneWriteBytes) {
        this.#handedOver(this.write(head + bytes, 'latin1'));
        return;
      }
      if (!this.#hasLength(bytes, length)) return;
    }
    this.#contentLength = request.contentLength;
    if (request.expectsContinue) {
      this.write(head, 'latin1');
      this.#enter('continue');
      return;
    }
    this.cork();
    this.write(head, 'latin1');
    this.#writeBody();
    this.uncork();
  }

  /** 100 came, or it is not waited for any longer. */
  continue(): void {
    if (this.#state === 'continue') this.#writeBody();
  }

  /** The socket takes bytes again. */
  onDrain(): void {
    switch (this.#state) {
      case 'flush':
        this.#enter('written');
        return;
      case 'socket':
        if (this.#rest !== undefined) {
          if (this.#hasLength(this.#rest, this.#restBytes)) this.#writeRest(this.#rest);
        } else {
          this.#enter('source');
          this.#upload?.resume();
        }
        return;
      default: // nothing waits for room
    }
  }

  /** A write failed, perhaps of what was handed over long before: nothing more goes out. */
  break(): void {
    if (this.#state === 'stopped' || this.#state === 'broken') return;
    this.#giveUp();
    this.#enter('broken');
  }

  /** The rest is not wanted. Without a word: who calls this knows. */
  stop(): void {
    if (this.#state === 'written') return;
    this.#giveUp();
    this.#state = 'stopped';
  }

  // ── body ───────────────────────────────────────────────────────────────────────────────────────

  #writeBody(): void {
    const body = this.#body;
    if (body.kind === 'bytes') {
      if (!this.#hasLength(body.bytes, body.length)) return;
      if (body.length <= CONSTANTS.uploadSliceBytes)
        this.#handedOver(this.write(body.bytes, 'utf8'));
      else this.#writeRest(typeof body.bytes === 'string' ? Buffer.from(body.bytes) : body.bytes);
    } else if (body.kind === 'stream') {
      const upload = new Upload(body.source, this.#contentLength, this, this);
      this.#upload = upload;
      this.#enter('source');
      upload.start();
    }
  }

  /** Slice by slice, each when the one before has left: so a peer that takes them slowly is seen to take them. */
  #writeRest(bytes: Uint8Array): void {
    for (let at = 0; ; at += CONSTANTS.uploadSliceBytes) {
      const slice = bytes.subarray(at, at + CONSTANTS.uploadSliceBytes);
      const end = at + slice.byteLength;
      this.#restBytes = bytes.byteLength - end;
      this.#rest = this.#restBytes === 0 ? undefined : bytes.subarray(end);
      const hasRoom = this.write(slice, 'utf8');
      if (this.#rest === undefined) {
        this.#handedOver(hasRoom);
        return;
      }
      if (!hasRoom) {
        this.#enter('socket');
        return;
      }
    }
  }

  /**
   * Bytes are not copied, and their buffer can be transferred away or resized while the call waits: what was
   * announced could then not be sent, and the peer would take what follows for the rest of it.
   */
  #hasLength(bytes: string | Uint8Array, length: number): boolean {
    if (typeof bytes === 'string' || bytes.byteLength === length) return true;
    this.#events.bodyFailed(
      invalidRequest('the bytes of the body were transferred or resized before they were sent'),
    );
    return false;
  }

  write(bytes: Uint8Array | string, encoding: BufferEncoding): boolean {
    const length =
      typeof bytes !== 'string'
        ? bytes.byteLength
        : encoding === 'latin1'
          ? bytes.length
          : Buffer.byteLength(bytes);
    this.bytesSent += length;
    this.#transport.counters.bytesSent += length;
    return this.#transport.socket.write(bytes, encoding);
  }

  cork(): void {
    this.#transport.socket.cork();
  }

  uncork(): void {
    this.#transport.socket.uncork();
  }

  uploadDone(hasRoom: boolean): void {
    this.#handedOver(hasRoom);
  }

  uploadFailed(error: Error): void {
    this.#events.bodyFailed(error);
  }

  uploadBlocked(): void {
    this.#enter('socket');
  }

  // ── states ─────────────────────────────────────────────────────────────────────────────────────

  #handedOver(hasRoom: boolean): void {
    this.#body = NO_BODY;
    this.#upload = undefined;
    this.#enter(hasRoom ? 'written' : 'flush');
  }

  #enter(state: SendState): void {
    this.#state = state;
    this.#events.sending(state);
  }

  #giveUp(): void {
    const body = this.#body;
    this.#body = NO_BODY;
    this.#rest = undefined;
    if (this.#upload !== undefined) this.#upload.stop();
    else if (body.kind === 'stream') abandonSource(body.source);
    this.#upload = undefined;
  }
}

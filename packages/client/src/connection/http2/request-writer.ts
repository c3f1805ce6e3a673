/**
 * The sending side of one exchange over HTTP/2 (../request-writer.ts): a stream's HEADERS and DATA. There is room while
 * both windows of flow control, the socket, and what waits to be written leave some; the stream says when there is more.
 *
 * What was handed over is `written` once the frames of the turn are: its connection says so.
 */
import type { Http2Stream } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import type { RequestBody } from '../../message/request-body.js';
import type { ExchangeRequest } from '../exchange.js';
import { RequestWriter, type WriterEvents } from '../request-writer.js';

export interface HandOver {
  /** It has nothing more to write: call `frameWritten()` when what it gave is. */
  handedOver(writer: Http2RequestWriter): void;
}

/** Text becomes bytes here; the stream copies them. */
const scratch = Buffer.allocUnsafeSlow(CONSTANTS.uploadSliceBytes);

export class Http2RequestWriter extends RequestWriter {
  readonly #handOver: HandOver;
  #stream: Http2Stream | undefined = undefined;
  #bodyBytes = 0;
  /** END_STREAM is on its way. */
  #isEnded = false;

  constructor(handOver: HandOver, body: RequestBody, events: WriterEvents) {
    super(body, events);
    this.#handOver = handOver;
  }

  protected get hasRoom(): boolean {
    return this.#isEnded || (this.#stream !== undefined && this.#stream.room > 0);
  }

  /** Nothing is begun, because the socket is full: so a peer that reads nothing is on the clock. */
  waitForSocket(): void {
    if (this.state === 'head') this.enter('socket');
  }

  /** The head is out, `headBytes` of it; `isLast`: and there is nothing more. */
  begin(stream: Http2Stream, request: ExchangeRequest, headBytes: number, isLast: boolean): void {
    this.#stream = stream;
    this.bytesSent = headBytes;
    this.contentLength = request.contentLength;
    this.#isEnded = isLast;
    if (isLast) this.allHandedOver();
    else if (request.expectsContinue) this.enter('continue');
    else this.writeBody();
  }

  /** All that was handed over has been written; `hasRoom`: and the socket takes more. */
  frameWritten(hasRoom: boolean): void {
    if (this.state !== 'stopped') this.enter(hasRoom ? 'written' : 'flush');
  }

  protected putWhole(piece: Uint8Array | string, length: number): boolean {
    const stream = this.#stream;
    if (stream === undefined || stream.room < length || length === 0) return length === 0;
    let bytes: Uint8Array;
    if (typeof piece === 'string') {
      scratch.write(piece, 0, 'utf8');
      bytes = scratch;
    } else bytes = piece;
    this.#send(stream, bytes, length);
    return true;
  }

  protected beginLarge(): void {
    // frames need no announcement
  }

  protected putSlice(bytes: Uint8Array): number {
    const stream = this.#stream;
    const length = Math.min(stream?.room ?? 0, bytes.byteLength, CONSTANTS.uploadSliceBytes);
    if (stream !== undefined && length > 0) this.#send(stream, bytes, length);
    return length;
  }

  protected endLarge(): void {
    // the last frame is like the others
  }

  protected endBody(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stream?.end();
  }

  protected allHandedOver(): void {
    this.#handOver.handedOver(this);
  }

  /** The last DATA of a known length says that it is the last: no empty frame has to. */
  #send(stream: Http2Stream, bytes: Uint8Array, length: number): void {
    this.bytesSent += length;
    this.#bodyBytes += length;
    this.#isEnded = this.#bodyBytes === this.contentLength;
    stream.send(bytes, 0, length, this.#isEnded);
  }
}

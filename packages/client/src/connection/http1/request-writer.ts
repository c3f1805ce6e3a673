/**
 * The sending side of one exchange over HTTP/1.1 (../request-writer.ts): head and body as bytes on the socket, a body
 * of unknown length in chunks.
 */
import { CHUNK_END, chunkHead, LAST_CHUNK } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import type { RequestBody } from '../../message/request-body.js';
import type { ExchangeRequest } from '../exchange.js';
import { RequestWriter, type WriterEvents } from '../request-writer.js';
import type { Transport } from '../transport.js';
import { requestHead } from './request-head.js';

export class Http1RequestWriter extends RequestWriter {
  readonly #transport: Transport;
  /** As the last write said it. */
  #hasRoom = true;
  #isChunked = false;

  constructor(transport: Transport, body: RequestBody, events: WriterEvents) {
    super(body, events);
    this.#transport = transport;
  }

  protected get hasRoom(): boolean {
    return this.#hasRoom;
  }

  start(request: ExchangeRequest, isLastUse: boolean): void {
    const { body, contentLength } = request;
    const head = requestHead(request, isLastUse);
    if (body.kind === 'none') {
      this.#write(head, 'latin1');
      this.allHandedOver();
      return;
    }
    if (body.kind === 'bytes' && !request.expectsContinue) {
      const { bytes, length } = body;
      // ASCII text is the same in Latin-1: head and body become one string and one system call.
      const isAscii = typeof bytes === 'string' && length === bytes.length;
      if (isAscii && length <= CONSTANTS.oneWriteBytes) {
        this.#write(head + bytes, 'latin1');
        this.allHandedOver();
        return;
      }
      if (!this.hasLength(bytes, length)) return;
    }
    this.contentLength = contentLength;
    this.#isChunked = contentLength === -1;
    if (request.expectsContinue) {
      this.#write(head, 'latin1');
      this.enter('continue');
      return;
    }
    const { socket } = this.#transport;
    socket.cork();
    this.#write(head, 'latin1');
    this.writeBody();
    socket.uncork();
  }

  /** A write failed, perhaps of what was handed over long before: nothing more goes out. */
  break(): void {
    if (this.state === 'stopped' || this.state === 'broken') return;
    this.giveUp();
    this.enter('broken');
  }

  protected putWhole(piece: Uint8Array | string, length: number): boolean {
    if (!this.#isChunked) {
      this.#write(piece, 'utf8');
      return true;
    }
    const { socket } = this.#transport;
    socket.cork();
    this.#write(chunkHead(length), 'latin1');
    this.#write(piece, 'utf8');
    this.#write(CHUNK_END, 'latin1');
    socket.uncork();
    return true;
  }

  /** A large piece is one chunk in several writes. */
  protected beginLarge(length: number): void {
    if (this.#isChunked) this.#write(chunkHead(length), 'latin1');
  }

  protected putSlice(bytes: Uint8Array): number {
    const slice = bytes.subarray(0, CONSTANTS.uploadSliceBytes);
    this.#write(slice, 'utf8');
    return slice.byteLength;
  }

  protected endLarge(): void {
    if (this.#isChunked) this.#write(CHUNK_END, 'latin1');
  }

  protected endBody(): void {
    if (this.#isChunked) this.#write(LAST_CHUNK, 'latin1');
  }

  protected allHandedOver(): void {
    this.enter(this.#hasRoom ? 'written' : 'flush');
  }

  #write(bytes: Uint8Array | string, encoding: BufferEncoding): void {
    const length =
      typeof bytes !== 'string'
        ? bytes.byteLength
        : encoding === 'latin1'
          ? bytes.length
          : Buffer.byteLength(bytes);
    this.bytesSent += length;
    this.#transport.counters.bytesSent += length;
    this.#hasRoom = this.#transport.socket.write(bytes, encoding);
  }
}

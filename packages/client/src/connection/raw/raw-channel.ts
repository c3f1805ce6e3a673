/**
 * Raw bytes on a checked-out connection: pull-based reading with backpressure, for tunnels and for
 * protocols other than HTTP.
 *
 *   open ──▶ ended ──▶ failed        the peer has finished; the connection broke, or was closed before that
 *     └─────────────────▲
 *
 * `end()` gives the connection back, from any of them: only from `open` may it be used again.
 */
import type { TLSSocket } from 'node:tls';
import { nameOrigin } from '../../diagnostics/call-name.js';
import { CONSTANTS } from '../../config/constants.js';
import {
  invalidRequest,
  RequestError,
  TransportError,
  type HotaruClientError,
} from '../../errors.js';
import { show } from '../../config/own-options.js';
import type { Connection } from '../connection.js';
import type { ByteSink, Transport } from '../transport.js';

interface PendingRead {
  resolve(bytes: Uint8Array | undefined): void;
  reject(error: Error): void;
}

/** A connection that one caller may have for raw bytes: no other uses it meanwhile. */
export interface RawConnection extends Connection {
  readonly transport: Transport;
}

export function isRaw(connection: Connection): connection is RawConnection {
  return !connection.canShare && 'transport' in connection;
}

export class RawChannel implements ByteSink {
  readonly #transport: Transport;
  readonly #pieces: Buffer[] = [];
  #bufferedBytes = 0;
  #state: 'open' | 'ended' | 'failed' = 'open';
  /** Why it has failed. */
  #error: Error | undefined = undefined;
  #isPaused = false;
  #pendingRead: PendingRead | undefined = undefined;

  constructor(readonly connection: RawConnection) {
    this.#transport = connection.transport;
    connection.record.requestCount += 1;
    this.#transport.useBy(this);
  }

  /** What ALPN settled on, if anything. */
  get protocol(): string | undefined {
    const { alpnProtocol } = this.#transport.socket as Partial<TLSSocket>;
    return typeof alpnProtocol === 'string' && alpnProtocol !== '' ? alpnProtocol : undefined;
  }

  get socket(): Transport['socket'] {
    return this.#transport.socket;
  }

  /** The connection is given back. True with the proof that nothing is left over in either direction. */
  end(): boolean {
    this.#transport.endUse();
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    const what = 'the connection was given back while a read was under way';
    read?.reject(this.#named(new RequestError('HOTARU_INVALID_STATE', what)));
    const isDone = this.#bufferedBytes === 0 && read === undefined;
    const isOut = this.#transport.socket.writableLength === 0;
    return isDone && isOut && this.#state === 'open';
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bufferedBytes -= piece.length;
      if (this.#isPaused && this.#bufferedBytes < CONSTANTS.bodyHighWaterBytes / 2) {
        this.#isPaused = false;
        this.#transport.resume();
      }
      return Promise.resolve(piece);
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#state === 'ended') return Promise.resolve(undefined);
    if (this.#pendingRead !== undefined)
      return Promise.reject(
        this.#named(new RequestError('HOTARU_INVALID_STATE', 'a read is already under way')),
      );
    return new Promise((resolve, reject) => (this.#pendingRead = { resolve, reject }));
  }

  write(bytes: Uint8Array | string): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { counters, socket } = this.#transport;
    const given: unknown = bytes;
    if (typeof given !== 'string' && !(given instanceof Uint8Array))
      return Promise.reject(
        this.#named(invalidRequest(`write() takes text or a Uint8Array, not ${show(given)}`)),
      );
    counters.bytesSent += typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
    return new Promise((resolve, reject) => {
      socket.write(bytes, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(this.#closed(error));
      });
    });
  }

  onBytes(bytes: Buffer): void {
    const piece = Buffer.from(bytes);
    const read = this.#pendingRead;
    if (read !== undefined) {
      this.#pendingRead = undefined;
      read.resolve(piece);
      return;
    }
    this.#pieces.push(piece);
    this.#bufferedBytes += piece.length;
    if (this.#bufferedBytes >= CONSTANTS.bodyHighWaterBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#transport.pause();
    }
  }

  onEnd(): void {
    this.#state = 'ended';
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    read?.resolve(undefined);
  }

  onClose(error: Error | undefined): void {
    if (this.#state === 'ended' && error === undefined) return;
    this.#state = 'failed';
    this.#error = this.#closed(error);
    const read = this.#pendingRead;
    this.#pendingRead = undefined;
    read?.reject(this.#error);
  }

  onDrain(): void {
    // write() resolves by the socket's own callback
  }

  onWriteError(): boolean {
    return false;
  }

  #closed(cause: Error | undefined): TransportError {
    const reason = cause === undefined ? '' : `: ${this.#transport.reasonOf(cause)}`;
    const what = `the connection was closed${reason}`;
    return this.#named(new TransportError('HOTARU_CONNECTION_CLOSED', what, { cause }));
  }

  #named<Failure extends HotaruClientError>(error: Failure): Failure {
    nameOrigin(error, 'connection to', this.#transport.key);
    return error;
  }
}

/**
 * A server of HTTP/2 at the other end of a `FakeSocket`: the codec of @hotaru/wire in its other role, run by hand. What
 * the client writes is read at once; what the server has to say goes to the client when the test says so.
 *
 * @example
 * const peer = new Http2Peer(socket, (bytes) => transport.received(bytes));
 * peer.says();                                  // its SETTINGS
 * peer.last.stream.respond(200, [], true);
 * peer.says();
 */
import {
  Http2Codec,
  type BodyTaker,
  type Http2ConnectionEvents,
  type Http2RequestHead,
  type Http2Stream,
  type Http2StreamEvents,
} from '@hotaru/wire';
import { CONSTANTS } from '../../src/config/constants.js';
import type { FakeSocket } from './fake-socket.js';

/** One request as it came. */
export class PeerStream implements Http2StreamEvents<Http2RequestHead>, BodyTaker {
  head: Http2RequestHead | undefined = undefined;
  body = '';
  isWhole = false;
  /** Why it ended before both sides were whole, if it did. */
  failure: string | undefined = undefined;

  constructor(readonly stream: Http2Stream) {}

  onInformational(): void {}
  onHead(head: Http2RequestHead): BodyTaker {
    this.head = head;
    return this;
  }
  take(bytes: Buffer, start: number, end: number): undefined {
    this.body += bytes.toString('latin1', start, end);
  }
  onEnd(): void {
    this.isWhole = true;
  }
  onRoom(): void {}
  onStopSending(reason: Error): void {
    this.failure = reason.message;
  }
  onFailed(error: Error): void {
    this.failure = error.message;
  }

  gives(text: string, isLast = false): void {
    this.stream.send(Buffer.from(text, 'latin1'), 0, text.length, isLast);
  }
}

export interface Http2PeerLimits {
  readonly maxConcurrentStreams?: number;
  readonly streamWindowBytes?: number;
  readonly maxHeaderListBytes?: number;
}

/** One buffer for all that the client reads, wiped after each: what it keeps it has to copy. */
const SHARED_BUFFER = Buffer.alloc(65_536);
const WIPED = 0x21;

export class Http2Peer implements Http2ConnectionEvents {
  readonly codec: Http2Codec;
  readonly streams: PeerStream[] = [];
  /** Gives no credit for what comes on streams that begin now. */
  isPaused = false;
  pongs = 0;
  goaway: number | undefined = undefined;
  /** What the client did wrong, if it did. */
  error: unknown = undefined;
  readonly #deliver: (bytes: Buffer) => void;

  constructor(
    socket: FakeSocket,
    deliver: (bytes: Buffer) => void,
    { maxConcurrentStreams = 100, ...limits }: Http2PeerLimits = {},
  ) {
    this.#deliver = deliver;
    this.codec = new Http2Codec('server', this, { ...CONSTANTS, ...limits, maxConcurrentStreams });
    this.codec.start();
    socket.onWrite = (bytes) => this.#hears(bytes);
  }

  #hears(bytes: Buffer): void {
    try {
      this.codec.feed(bytes);
    } catch (error) {
      this.error = error;
    }
  }

  get last(): PeerStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no request came');
    return stream;
  }

  /** What waits goes to the client, in one read; `true` for an answer that is meant to be lost. */
  says(isLost = false): void {
    const bytes = this.codec.takeOutput();
    if (bytes !== undefined && !isLost) this.sends(bytes);
  }

  /** Bytes of its own making. */
  sends(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SHARED_BUFFER.length) {
      const piece = bytes.subarray(at, at + SHARED_BUFFER.length);
      piece.copy(SHARED_BUFFER);
      this.#deliver(SHARED_BUFFER.subarray(0, piece.length));
      SHARED_BUFFER.fill(WIPED, 0, piece.length);
    }
  }

  onOutput(): void {}
  onSettings(): void {}
  onGoaway(_lastStreamId: number, code: number): void {
    this.goaway = code;
  }
  onPong(): void {
    this.pongs += 1;
  }
  onStream(stream: Http2Stream): PeerStream {
    const peerStream = new PeerStream(stream);
    if (this.isPaused) stream.pause();
    this.streams.push(peerStream);
    return peerStream;
  }
  onStreamClosed(): void {}
}

/** A frame, byte by byte (RFC 9113 §4.1). */
export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

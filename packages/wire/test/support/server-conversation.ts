/**
 * The server role of the codec as its peer sees it, without a socket: bytes in, frames out. Its frames and its HPACK are
 * those of the test origins, which share no code with the codec.
 */
import { Http2Codec, WireError, type Http2Limits } from '@hotaru/wire';
import {
  CODE,
  contentOf,
  FLAG,
  FRAME,
  FrameCutter,
  headers,
  PREFACE,
  settings,
  settingsAck,
  type Frame,
} from '../../../client/test/support/h2/frames.js';
import { PlainHpackDecoder, type Field } from '../../../client/test/support/h2/hpack.js';
import { answering, type Seen } from './http2-answers.js';
import { get } from './http2-rules/heads.js';

export const SERVER_LIMITS: Http2Limits = {
  streamWindowBytes: 65_535,
  maxStreamWindowBytes: 65_535,
  connectionWindowBytes: 1_048_576,
  headerTableBytes: 4_096,
  maxHeaderListBytes: 16_384,
  maxHeaderCount: 100,
  maxConcurrentStreams: 10,
  maxInformational: 8,
  maxContinuations: 8,
  idleFrameAllowance: 100,
  resetAllowance: 100,
  idleFramesPerSecond: 10,
  resetsPerSecond: 10,
  maxQueuedAnswers: 100,
};

export class ServerConversation {
  /** All frames that the server sent. */
  readonly frames: Frame[] = [];
  /** Whole answers, by stream: fields, and trailers behind them. */
  readonly heads = new Map<number, Field[]>();
  /** What `feed` threw. */
  error: WireError | undefined = undefined;
  /** Requests as they came. */
  readonly seen: Seen[] = [];
  readonly codec: Http2Codec;
  readonly #cutter = new FrameCutter();
  readonly #decoder = new PlainHpackDecoder();
  #block: Buffer[] = [];

  constructor(limits: Partial<Http2Limits> = {}) {
    this.codec = new Http2Codec('server', answering(this.seen), { ...SERVER_LIMITS, ...limits });
    this.codec.start();
    this.#read();
  }

  /** One whose preface and settings have been exchanged; nothing of that is in `frames`. */
  static begun(limits?: Partial<Http2Limits>): ServerConversation {
    const conversation = new ServerConversation(limits);
    conversation.send(Buffer.from(PREFACE), settings(), settingsAck());
    conversation.frames.length = 0;
    return conversation;
  }

  /** All of it in one piece, as far as the connection lives. */
  send(...frames: readonly Buffer[]): void {
    if (this.error !== undefined) return;
    try {
      this.codec.feed(Buffer.concat(frames));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.error = error;
    }
    this.#read();
  }

  /** Is a further request, on a stream with a high number, answered? */
  lives(streamId = 1_001): boolean {
    this.send(headers(streamId, get('/alive'), { end: true }));
    return this.statusOf(streamId) === '200' && this.bodyOf(streamId) === 'ok';
  }

  of(type: number, streamId?: number): Frame[] {
    return this.frames.filter(
      (frame) => frame.type === type && (streamId === undefined || frame.streamId === streamId),
    );
  }

  /** The codes of the RST_STREAM frames for a stream. */
  resetsOf(streamId: number): string[] {
    return this.of(FRAME.rstStream, streamId).map(({ payload }) =>
      codeName(payload.readUInt32BE(0)),
    );
  }

  /** The codes of the GOAWAY frames. */
  get goaways(): string[] {
    return this.of(FRAME.goaway).map(({ payload }) => codeName(payload.readUInt32BE(4)));
  }

  statusOf(streamId: number): string | undefined {
    return this.heads.get(streamId)?.find(([name]) => name === ':status')?.[1];
  }

  /** The body of an answer that has ended; undefined for one that has not. */
  bodyOf(streamId: number): string | undefined {
    const hasEnded = this.frames.some(
      ({ type, flags, streamId: id }) =>
        id === streamId &&
        (type === FRAME.data || type === FRAME.headers) &&
        (flags & FLAG.endStream) !== 0,
    );
    return hasEnded ? this.dataOf(streamId).toString('latin1') : undefined;
  }

  dataOf(streamId: number): Buffer {
    return Buffer.concat(this.of(FRAME.data, streamId).map(contentOf));
  }

  #read(): void {
    for (let bytes = this.codec.takeOutput(); bytes !== undefined; bytes = this.codec.takeOutput())
      for (const frame of this.#cutter.push(bytes)) this.#take(frame);
  }

  #take(frame: Frame): void {
    const { type, flags, streamId } = frame;
    this.frames.push(frame);
    if (type !== FRAME.headers && type !== FRAME.continuation) return;
    this.#block.push(contentOf(frame));
    if ((flags & FLAG.endHeaders) === 0) return;
    const fields = this.#decoder.decode(Buffer.concat(this.#block));
    this.#block = [];
    this.heads.set(streamId, [...(this.heads.get(streamId) ?? []), ...fields]);
  }
}

function codeName(code: number): string {
  return Object.entries(CODE).find(([, value]) => value === code)?.[0] ?? String(code);
}

/**
 * The client role of the codec as a server sees it, without a socket: bytes in, frames out. Two requests are under way:
 * 1 is a GET that is whole, 3 a POST whose body has not ended.
 */
import {
  fieldsOf,
  Http2Codec,
  WireError,
  type BodyTaker,
  type FieldSection,
  type Http2Limits,
  type Http2ResponseHead,
  type Http2Stream,
  type Http2StreamEvents,
} from '@hotaru/wire';
import {
  CODE,
  FRAME,
  FrameCutter,
  headers,
  settings,
  settingsAck,
  type Frame,
} from '../../../client/test/support/h2/frames.js';

export const CLIENT_LIMITS: Http2Limits = {
  streamWindowBytes: 65_535,
  maxStreamWindowBytes: 65_535,
  connectionWindowBytes: 1_048_576,
  headerTableBytes: 4_096,
  maxHeaderListBytes: 16_384,
  maxHeaderCount: 100,
  maxConcurrentStreams: 0,
  maxInformational: 8,
  maxContinuations: 8,
  idleFrameAllowance: 100,
  resetAllowance: 100,
  idleFramesPerSecond: 10,
  resetsPerSecond: 10,
  maxQueuedAnswers: 100,
};

/** A request of ours, and what came of it. */
export class Asked implements Http2StreamEvents<Http2ResponseHead>, BodyTaker {
  readonly informational: number[] = [];
  status: number | undefined = undefined;
  fields: readonly (readonly [string, string])[] = [];
  body = '';
  trailers: readonly (readonly [string, string])[] | undefined = undefined;
  outcome: 'open' | 'whole' | 'failed' = 'open';
  isUnprocessed: boolean | undefined = undefined;
  hasStopped = false;
  stream: Http2Stream | undefined = undefined;

  onInformational({ status }: Http2ResponseHead): void {
    this.informational.push(status);
  }
  onHead(head: Http2ResponseHead): BodyTaker {
    this.status = head.status;
    this.fields = [...fieldsOf(head)];
    return this;
  }
  take(bytes: Buffer, start: number, end: number): undefined {
    this.body += bytes.toString('latin1', start, end);
  }
  onEnd(trailers: FieldSection | undefined): void {
    this.trailers = trailers === undefined ? undefined : [...fieldsOf(trailers)];
    this.outcome = 'whole';
  }
  onRoom(): void {}
  onStopSending(): void {
    this.hasStopped = true;
  }
  onFailed(_error: Error, isUnprocessed: boolean): void {
    this.outcome = 'failed';
    this.isUnprocessed = isUnprocessed;
  }
}

export class ClientConversation {
  /** All frames that the client sent. */
  readonly frames: Frame[] = [];
  readonly codec: Http2Codec;
  /** By stream. */
  readonly asked = new Map<number, Asked>();
  /** What `feed` threw. */
  error: WireError | undefined = undefined;
  #preface = Buffer.alloc(0);
  readonly #cutter = new FrameCutter();

  constructor(limits: Partial<Http2Limits> = {}) {
    this.codec = new Http2Codec(
      'client',
      {
        onOutput: () => {},
        onSettings: () => {},
        onGoaway: () => {},
        onPong: () => {},
        onStream: () => {
          throw new Error('a server opens no streams');
        },
        onStreamClosed: () => {},
      },
      { ...CLIENT_LIMITS, ...limits },
    );
    this.codec.start();
    this.#read();
  }

  /** One whose settings have been exchanged, and whose requests are under way; nothing of that is in `frames`. */
  static begun(limits?: Partial<Http2Limits>): ClientConversation {
    const conversation = new ClientConversation(limits);
    conversation.send(settings(), settingsAck());
    conversation.ask('GET', true);
    conversation.ask('POST', false);
    conversation.#read();
    conversation.frames.length = 0;
    return conversation;
  }

  ask(method: string, isLast: boolean): Asked {
    const asked = new Asked();
    asked.stream = this.codec.request(
      {
        method,
        scheme: 'http',
        authority: 'server.example',
        target: '/',
        fields: [],
        contentLength: -1,
      },
      asked,
      isLast,
    );
    this.asked.set(asked.stream.id, asked);
    return asked;
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

  /** Is a further request answered? */
  lives(): boolean {
    if (this.codec.isLeaving) return false;
    const asked = this.ask('GET', true);
    this.#read();
    this.send(headers(asked.stream?.id ?? 0, [[':status', '200']], { end: true }));
    return asked.outcome === 'whole' && asked.status === 200;
  }

  of(type: number, streamId?: number): Frame[] {
    return this.frames.filter(
      (frame) => frame.type === type && (streamId === undefined || frame.streamId === streamId),
    );
  }

  /** The codes of the RST_STREAM frames for a stream. */
  resetsOf(streamId: number): string[] {
    return this.of(FRAME.rstStream, streamId).map(({ payload }) => nameOf(payload.readUInt32BE(0)));
  }

  /** The codes of the GOAWAY frames. */
  get goaways(): string[] {
    return this.of(FRAME.goaway).map(({ payload }) => nameOf(payload.readUInt32BE(4)));
  }

  /** The preface, once it has been written. */
  get preface(): string {
    return this.#preface.toString('latin1');
  }

  #read(): void {
    for (let bytes = this.codec.takeOutput(); bytes !== undefined; bytes = this.codec.takeOutput())
      this.#take(bytes);
  }

  /** The first 24 bytes are no frame (RFC 9113 §3.4). */
  #take(bytes: Buffer): void {
    const missing = 24 - this.#preface.length;
    this.#preface = Buffer.concat([this.#preface, bytes.subarray(0, missing)]);
    for (const frame of this.#cutter.push(bytes.subarray(missing))) this.frames.push(frame);
  }
}

function nameOf(code: number): string {
  return Object.entries(CODE).find(([, value]) => value === code)?.[0] ?? String(code);
}

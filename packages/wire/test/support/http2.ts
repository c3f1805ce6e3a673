/** For the tests of HTTP/2: users that note what they are told, and two codecs that are joined by pipes. */
import type { FieldSection } from '../../src/head.js';
import type { BodyTaker } from '../../src/http1/message-reader.js';
import { Http2Codec } from '../../src/http2/codec.js';
import type {
  Http2ConnectionEvents,
  Http2Limits,
  Http2RequestHead,
  Http2RequestToSend,
  Http2ResponseHead,
  Http2Stream,
  Http2StreamEvents,
  PeerSettings,
} from '../../src/http2/stream-api.js';

export const LIMITS: Http2Limits = {
  streamWindowBytes: 262_144,
  maxStreamWindowBytes: 2_097_152,
  connectionWindowBytes: 16_777_216,
  headerTableBytes: 4_096,
  maxHeaderListBytes: 65_536,
  maxHeaderCount: 100,
  maxConcurrentStreams: 100,
  maxInformational: 10,
  maxContinuations: 8,
  idleFrameAllowance: 100,
  resetAllowance: 50,
  idleFramesPerSecond: 10,
  resetsPerSecond: 10,
  maxQueuedAnswers: 50,
};

export const GET: Http2RequestToSend = {
  method: 'GET',
  scheme: 'https',
  authority: 'a.test',
  target: '/',
  fields: [],
  contentLength: -1,
};

/** The user of a stream, in either role. `on` runs inside the event of that name, after it was noted. */
export class Recorder
  implements Http2StreamEvents<Http2ResponseHead & Http2RequestHead>, BodyTaker
{
  readonly log: string[] = [];
  readonly on: Record<string, (() => void) | undefined> = {};
  stream!: Http2Stream;
  head: (Http2ResponseHead & Http2RequestHead) | undefined = undefined;
  trailers: FieldSection | undefined = undefined;
  error: Error | undefined = undefined;
  isUnprocessed = false;
  body = '';
  /** What `take` returns. */
  refusal: Error | undefined = undefined;

  #note(event: string, more = ''): void {
    this.log.push(event + more);
    this.on[event]?.();
  }

  onInformational(head: Http2ResponseHead): void {
    this.#note('informational', ` ${head.status}`);
  }

  onHead(head: Http2ResponseHead & Http2RequestHead): BodyTaker {
    this.head = head;
    const { method, target } = head as Partial<Http2RequestHead>;
    this.#note('head', method === undefined ? ` ${head.status}` : ` ${method} ${target}`);
    return this;
  }

  take(bytes: Buffer, start: number, end: number): Error | undefined {
    this.body += bytes.toString('latin1', start, end);
    this.#note('data', ` ${end - start}`);
    return this.refusal;
  }

  onEnd(trailers: FieldSection | undefined): void {
    this.trailers = trailers;
    this.#note('end');
  }

  onRoom(): void {
    this.#note('room');
  }

  onStopSending(reason: Error): void {
    this.error = reason;
    this.#note('stop');
  }

  onFailed(error: Error, isUnprocessed: boolean): void {
    this.error = error;
    this.isUnprocessed = isUnprocessed;
    this.#note('failed', isUnprocessed ? ' unprocessed' : '');
  }
}

/** The user of a connection. */
export class Side implements Http2ConnectionEvents {
  readonly log: string[] = [];
  readonly on: Record<string, (() => void) | undefined> = {};
  /** The server's role: what it was asked. */
  readonly served: Recorder[] = [];
  /** Called for each request, before its head. */
  onServed: (served: Recorder) => void = () => {};

  #note(event: string, more = ''): void {
    this.log.push(event + more);
    this.on[event]?.();
  }

  onOutput(): void {
    this.#note('output');
  }

  onSettings(settings: PeerSettings): void {
    this.#note('settings', ` ${settings.maxConcurrentStreams}`);
  }

  onGoaway(lastStreamId: number, code: number, text: string): void {
    this.#note('goaway', ` ${lastStreamId} ${code} ${text}`.trimEnd());
  }

  onPong(): void {
    this.#note('pong');
  }

  onStream(stream: Http2Stream): Recorder {
    const served = new Recorder();
    served.stream = stream;
    this.served.push(served);
    this.onServed(served);
    return served;
  }

  onStreamClosed(stream: Http2Stream): void {
    this.#note('closed', ` ${stream.id}`);
  }
}

/** A client and a server, joined by pipes. */
export class Pair {
  readonly clientSide = new Side();
  readonly serverSide = new Side();
  readonly client: Http2Codec;
  readonly server: Http2Codec;
  readonly served = this.serverSide.served;

  constructor(clientLimits: Partial<Http2Limits> = {}, serverLimits: Partial<Http2Limits> = {}) {
    this.client = new Http2Codec('client', this.clientSide, { ...LIMITS, ...clientLimits });
    this.server = new Http2Codec('server', this.serverSide, { ...LIMITS, ...serverLimits });
    this.client.start();
    this.server.start();
    this.run();
  }

  request(request: Partial<Http2RequestToSend>, isLast = false): Recorder {
    const call = new Recorder();
    call.stream = this.client.request({ ...GET, ...request }, call, isLast);
    return call;
  }

  /** Until both have said all. */
  run(): void {
    for (;;) {
      const up = this.client.takeOutput();
      if (up !== undefined) this.server.feed(up);
      const down = this.server.takeOutput();
      if (down !== undefined) this.client.feed(down);
      if (up === undefined && down === undefined) return;
    }
  }
}

/**
 * Messages as they come in (RFC 9113 §8): header blocks into heads and trailers, DATA to what takes the body. Each block
 * is decoded, whatever has become of its stream, or the tables of HPACK would differ from there on (§4.3).
 */
import { isBodilessStatus } from '../grammar/index.js';
import type { FieldSection } from '../head.js';
import type { BodyTaker } from '../http1/message-reader.js';
import { WireError } from '../wire-error.js';
import { Http2ErrorCode } from './error-codes.js';
import { SectionReader, UNHEARD } from './field-section.js';
import type { Faults } from './faults.js';
import type { FloodGuard } from './flood-guard.js';
import { Flag } from './frame-types.js';
import { fragmentEnd, fragmentStart, HeaderBlock } from './header-block.js';
import type { RequestFields, ResponseFields } from './heads.js';
import { HpackDecoder } from './hpack/decoder.js';
import type { Outbound } from './outbound.js';
import type { RequestAcceptor } from './request-acceptor.js';
import { DefaultSetting } from './setting-ids.js';
import type { Http2Limits } from './stream-api.js';
import type { StreamSender } from './stream-sender.js';
import type { Stream } from './stream.js';
import { StreamEvent } from './stream-state.js';
import type { Streams } from './streams.js';

export class Messages {
  readonly #limits: Http2Limits;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  readonly #sender: StreamSender;
  readonly #guard: FloodGuard;
  readonly #faults: Faults;
  readonly #acceptor: RequestAcceptor;
  readonly #decoder = new HpackDecoder(DefaultSetting.headerTableBytes);
  readonly #section: SectionReader;
  readonly #block: HeaderBlock;
  /** Of the DATA frame under way; `undefined` when its data is dropped. */
  #dataStream: Stream | undefined = undefined;
  #dataFlags = 0;
  #dataBytes = 0;

  constructor(
    limits: Http2Limits,
    streams: Streams,
    outbound: Outbound,
    sender: StreamSender,
    guard: FloodGuard,
    faults: Faults,
    acceptor: RequestAcceptor,
  ) {
    this.#limits = limits;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#sender = sender;
    this.#guard = guard;
    this.#faults = faults;
    this.#acceptor = acceptor;
    this.#section = new SectionReader(limits.maxHeaderCount);
    this.#block = new HeaderBlock(limits.maxContinuations);
  }

  settingsAcknowledged(): void {
    const { streamWindowBytes, headerTableBytes } = this.#limits;
    this.#decoder.setMaxTableBytes(headerTableBytes);
    const change = streamWindowBytes - this.#sender.receiveWindowBytes;
    this.#sender.receiveWindowBytes = streamWindowBytes;
    this.#acceptor.isBound = true;
    for (const stream of this.#streams.all()) {
      stream.receiveWindow.change(change);
      this.#sender.giveCredit(stream);
    }
  }

  // ── header blocks ───────────────────────────────────────────────────────────────

  /** Before each frame. @throws WireError */
  checkOrder(type: number, streamId: number): void {
    this.#block.checkOrder(type, streamId);
  }

  headers(flags: number, streamId: number, bytes: Buffer, from: number, to: number): void {
    const start = fragmentStart(flags, from, to);
    const end = fragmentEnd(flags, bytes, from, start, to);
    const endsStream = (flags & Flag.EndStream) !== 0;
    if ((flags & Flag.EndHeaders) === 0) this.#block.begin(streamId, endsStream, bytes, start, end);
    else this.#whole(streamId, endsStream, bytes, start, end);
  }

  continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const { streamId, endsStream } = this.#block;
    this.#block.continue(bytes, start, end);
    if ((flags & Flag.EndHeaders) === 0) {
      if (start === end) this.#guard.idleFrame();
      return;
    }
    const block = this.#block.take();
    this.#whole(streamId, endsStream, block, 0, block.length);
  }

  #whole(id: number, endsStream: boolean, bytes: Buffer, start: number, end: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#acceptor.isNew(id)) this.#request(id, endsStream, bytes, start, end);
      else {
        this.#decoder.decode(bytes, start, end, UNHEARD, 0);
        this.#faults.late(id, 'HEADERS', 0);
      }
      return;
    }
    stream.hasStarted = true;
    if (!stream.mayReceive) {
      this.#decoder.decode(bytes, start, end, UNHEARD, 0);
      this.#faults.reset(stream, new WireError('half-closed-stream', 'HEADERS behind END_STREAM'));
    } else if (stream.hasHead) this.#trailers(stream, endsStream, bytes, start, end);
    else this.#response(stream, endsStream, bytes, start, end);
  }

  #decode(
    kind: 'request' | 'response' | 'trailers',
    bytes: Buffer,
    start: number,
    end: number,
  ): WireError | undefined {
    const section = this.#section;
    section.begin(kind);
    const { maxHeaderListBytes } = this.#limits;
    if (!this.#decoder.decode(bytes, start, end, section, maxHeaderListBytes))
      return new WireError(
        'field-list-too-large',
        `a header list larger than ${maxHeaderListBytes} bytes`,
      );
    return section.judge();
  }

  #response(stream: Stream, endsStream: boolean, bytes: Buffer, start: number, end: number): void {
    const section = this.#section;
    const problem = this.#decode('response', bytes, start, end);
    if (problem !== undefined) {
      this.#faults.reset(stream, problem);
      return;
    }
    const { status, contentLength } = section;
    if (status < 200) {
      this.#informational(stream, status, endsStream);
      return;
    }
    this.#guard.usefulFrame();
    const isTunnel = stream.asked === 'connect' && status < 300;
    const isBodiless = stream.asked === 'head' || isBodilessStatus(status);
    if (endsStream && contentLength > 0 && !isBodiless && !isTunnel) {
      this.#faults.reset(stream, cutShort(contentLength));
      return;
    }
    stream.isBodiless = isBodiless;
    if (isBodiless) stream.remaining = 0;
    else if (!isTunnel) stream.remaining = contentLength;
    const head = section.responseHead();
    this.#streams.advance(stream, StreamEvent.ReceiveHead);
    if (endsStream) this.#streams.advance(stream, StreamEvent.ReceiveEnd);
    this.#begin(stream, head, !endsStream && !isBodiless, endsStream);
  }

  #informational(stream: Stream, status: number, endsStream: boolean): void {
    const { maxInformational } = this.#limits;
    stream.informational += 1;
    if (status === 101)
      this.#faults.reset(
        stream,
        new WireError('unasked-switch', 'a 101, which HTTP/2 does not have'),
      );
    else if (endsStream)
      this.#faults.reset(
        stream,
        new WireError('message-order', `a ${status} that ends its stream`),
      );
    else if (stream.informational > maxInformational) {
      const what = `more than ${maxInformational} informational responses`;
      this.#faults.reset(stream, new WireError('too-many-informational', what));
    } else {
      this.#streams.advance(stream, StreamEvent.ReceiveHead);
      stream.events.onInformational(this.#section.responseHead());
    }
  }

  #request(id: number, endsStream: boolean, bytes: Buffer, start: number, end: number): void {
    const problem = this.#decode('request', bytes, start, end);
    const head = this.#section.requestHead(!endsStream);
    const stream = this.#acceptor.accept(id, problem, head.contentLength, endsStream);
    if (stream !== undefined) this.#begin(stream, head, !endsStream, endsStream);
  }

  /** A head to its user. The table has it already, so that the user sees what is so. */
  #begin(
    stream: Stream,
    head: RequestFields | ResponseFields,
    hasBody: boolean,
    endsStream: boolean,
  ): void {
    stream.hasHead = true;
    let taker: BodyTaker | undefined;
    try {
      taker = stream.events.onHead(head, hasBody);
    } catch (error) {
      this.#streams.abandon(stream, error as Error);
      throw error;
    }
    if (endsStream) this.#ended(stream, undefined);
    else if (!stream.hasLeft) stream.taker = taker;
  }

  #trailers(stream: Stream, endsStream: boolean, bytes: Buffer, start: number, end: number): void {
    const problem = this.#decode('trailers', bytes, start, end);
    if (problem !== undefined) this.#faults.reset(stream, problem);
    else if (!endsStream)
      this.#faults.reset(stream, new WireError('message-order', 'trailers without END_STREAM'));
    else if (stream.remaining > 0) this.#faults.reset(stream, cutShort(stream.remaining));
    else {
      this.#streams.advance(stream, StreamEvent.ReceiveHead);
      this.#streams.advance(stream, StreamEvent.ReceiveEnd);
      this.#ended(stream, this.#section.trailers());
    }
  }

  /** A user that has given the stream up meanwhile hears nothing: its events are silent. */
  #ended(stream: Stream, trailers: FieldSection | undefined): void {
    stream.taker = undefined;
    stream.hasEnded = true;
    try {
      stream.events.onEnd(trailers);
    } finally {
      // Closed by this end it is in no list any more: it leaves now, also if its user has thrown.
      if (stream.isClosed) this.#streams.left(stream);
    }
  }

  // ── DATA ────────────────────────────────────────────────────────────────────────

  /** @param length with its padding, which counts for the windows (§6.1). */
  beginData(flags: number, streamId: number, length: number): void {
    this.#dataFlags = flags;
    this.#dataBytes = 0;
    this.#dataStream = undefined;
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#faults.late(streamId, 'DATA', length);
      return;
    }
    stream.hasStarted = true;
    if (!stream.mayReceive)
      this.#faults.reset(stream, new WireError('half-closed-stream', 'DATA behind END_STREAM'));
    else if (!stream.hasHead)
      this.#faults.reset(stream, new WireError('message-order', 'DATA in front of a head'));
    else if (!stream.receiveWindow.take(length))
      this.#faults.reset(
        stream,
        new WireError('stream-window-exceeded', 'more DATA than was allowed'),
      );
    else {
      this.#streams.advance(stream, StreamEvent.ReceiveData);
      this.#dataStream = stream;
    }
  }

  data(bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream;
    // The user may have given it up since the frame began.
    if (stream === undefined || stream.isClosed) return;
    const length = end - start;
    this.#dataBytes += length;
    const { remaining } = stream;
    const isTooLong = remaining !== -1 && length > remaining;
    // As much as was announced comes through, wherever the network has cut the frame.
    const last = isTooLong ? start + remaining : end;
    if (remaining !== -1) stream.remaining -= last - start;
    if (last > start) {
      const error = stream.taker?.take(bytes, start, last);
      if (stream.hasLeft) return;
      if (error !== undefined) {
        this.#outbound.reset(stream.id, Http2ErrorCode.Cancel);
        this.#streams.fail(stream, StreamEvent.SendReset, error, false);
        return;
      }
    }
    if (!isTooLong) return;
    const what = stream.isBodiless ? 'where none can be' : 'longer than its content-length';
    this.#faults.reset(stream, new WireError('body-length', `a body ${what}`));
  }

  dataEnd(): void {
    const stream = this.#dataStream;
    if (stream === undefined || stream.isClosed) return;
    if ((this.#dataFlags & Flag.EndStream) !== 0) {
      if (stream.remaining > 0) this.#faults.reset(stream, cutShort(stream.remaining));
      else {
        this.#guard.usefulFrame();
        this.#streams.advance(stream, StreamEvent.ReceiveEnd);
        this.#ended(stream, undefined);
      }
      return;
    }
    if (this.#dataBytes === 0) this.#guard.idleFrame();
    else this.#guard.usefulFrame();
    this.#sender.giveCredit(stream);
  }
}

function cutShort(missing: number): WireError {
  return new WireError(
    'body-length',
    `a body that ends ${missing} bytes before its content-length`,
  );
}

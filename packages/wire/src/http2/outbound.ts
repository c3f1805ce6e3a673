/**
 * What a connection writes: frames into one output, header blocks by our table of HPACK. The user is told once that
 * something waits. Which frames a stream may send, and how much, is for stream-sender.ts.
 */
import { trimBlanks } from '../grammar/index.js';
import type { FloodGuard } from './flood-guard.js';
import type { ReceiveWindow } from './flow-window.js';
import {
  beginHeaders,
  endHeaders,
  writeData,
  writeGoaway,
  writePing,
  writeRstStream,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
} from './frame-writer.js';
import { CLIENT_PREFACE, Flag } from './frame-types.js';
import { HpackEncoder } from './hpack/encoder.js';
import { Output } from './output.js';
import { ReceivedSettings } from './settings.js';
import type { Http2ConnectionEvents, Http2Limits, Http2RequestToSend } from './stream-api.js';

export class Outbound {
  readonly peer = new ReceivedSettings();
  readonly #events: Http2ConnectionEvents;
  readonly #guard: FloodGuard;
  readonly #output = new Output();
  readonly #encoder: HpackEncoder;
  /** `onOutput` was called, and what waits was not taken since. */
  #hasAnnounced = false;
  #takenBytes = 0;

  constructor(events: Http2ConnectionEvents, limits: Http2Limits, guard: FloodGuard) {
    this.#events = events;
    this.#guard = guard;
    this.#encoder = new HpackEncoder(limits.headerTableBytes);
  }

  get waitingBytes(): number {
    return this.#output.length;
  }

  /** All that was ever taken. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Where the next byte will stand in all that is ever written. */
  get position(): number {
    return this.#takenBytes + this.#output.length;
  }

  take(): Buffer | undefined {
    const bytes = this.#output.take();
    this.#hasAnnounced = false;
    if (bytes !== undefined) this.#takenBytes += bytes.length;
    return bytes;
  }

  reuse(): void {
    this.#output.reuse();
  }

  // ── of the connection ───────────────────────────────────────────────────────────

  preface(isClient: boolean, settings: readonly number[], windowIncrement: number): void {
    const output = this.#output;
    if (isClient) {
      output.reserve(CLIENT_PREFACE.length);
      output.at += output.bytes.write(CLIENT_PREFACE, output.at, 'latin1');
    }
    writeSettings(output, settings);
    if (windowIncrement > 0) writeWindowUpdate(output, 0, windowIncrement);
    this.#announce();
  }

  /** The peer's settings count from here on: the encoder's table follows them. */
  acknowledgeSettings(): void {
    this.#guard.answer();
    const { smallestHeaderTableBytes, headerTableBytes } = this.peer;
    this.#encoder.setMaxTableBytes(smallestHeaderTableBytes);
    this.#encoder.setMaxTableBytes(headerTableBytes);
    writeSettingsAck(this.#output);
    this.#announce();
  }

  ping(data: Buffer): void {
    writePing(this.#output, 0, data, 0);
    this.#announce();
  }

  answerPing(bytes: Buffer, start: number): void {
    this.#guard.answer();
    writePing(this.#output, Flag.Ack, bytes, start);
    this.#announce();
  }

  goaway(lastStreamId: number, code: number): void {
    writeGoaway(this.#output, lastStreamId, code);
    this.#announce();
  }

  /** Fills a window of ours; `streamId` is 0 for that of the connection. */
  credit(streamId: number, window: ReceiveWindow): void {
    writeWindowUpdate(this.#output, streamId, window.fill());
    this.#announce();
  }

  // ── of a stream ─────────────────────────────────────────────────────────────────

  request(streamId: number, request: Http2RequestToSend, isLast: boolean): void {
    const { method, contentLength } = request;
    const output = this.#output;
    const encoder = this.#encoder;
    const before = this.#beginBlock();
    encoder.field(output, ':method', method);
    if (method !== 'CONNECT') {
      encoder.field(output, ':scheme', request.scheme);
      encoder.field(output, ':path', request.target);
    }
    encoder.field(output, ':authority', request.authority);
    this.#fields(request.fields);
    if (contentLength !== -1) encoder.field(output, 'content-length', String(contentLength));
    this.#endBlock(before, streamId, isLast);
  }

  response(streamId: number, status: number, fields: readonly string[], isLast: boolean): void {
    const before = this.#beginBlock();
    this.#encoder.field(this.#output, ':status', String(status));
    this.#fields(fields);
    this.#endBlock(before, streamId, isLast);
  }

  trailers(streamId: number, fields: readonly string[]): void {
    const before = this.#beginBlock();
    this.#fields(fields);
    this.#endBlock(before, streamId, true);
  }

  data(streamId: number, bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    writeData(this.#output, streamId, bytes, start, end, isLast, this.peer.maxFrameBytes);
    this.#announce();
  }

  reset(streamId: number, code: number): void {
    writeRstStream(this.#output, streamId, code);
    this.#announce();
  }

  #beginBlock(): number {
    const before = beginHeaders(this.#output);
    this.#encoder.begin(this.#output);
    return before;
  }

  #fields(fields: readonly string[]): void {
    for (let i = 0; i < fields.length; i += 2)
      // HTTP/1.1 drops the blanks around a value; here they are malformed (RFC 9113 §8.2.1).
      this.#encoder.field(this.#output, fields[i] ?? '', trimBlanks(fields[i + 1] ?? ''));
  }

  #endBlock(before: number, streamId: number, isLast: boolean): void {
    endHeaders(this.#output, before, streamId, isLast, this.peer.maxFrameBytes);
    this.#announce();
  }

  /** Each frame is whole by then: the user may take them at once. */
  #announce(): void {
    if (this.#hasAnnounced) return;
    this.#hasAnnounced = true;
    this.#events.onOutput();
  }
}

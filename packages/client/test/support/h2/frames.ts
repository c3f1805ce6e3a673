/**
 * Frames of HTTP/2 (RFC 9113 §4, §6) for origins in tests: written as a script says, right or wrong. It shares no code
 * with the codec that it tests, so that no mistake is made on both sides.
 */
import { encodeFields, type Field } from './hpack.js';

export const FRAME = Object.freeze({
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
});

export const FLAG = Object.freeze({
  none: 0,
  endStream: 0x01,
  ack: 0x01,
  endHeaders: 0x04,
  padded: 0x08,
  priority: 0x20,
});

export const SETTING = Object.freeze({
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
});

/** RFC 9113 §7. */
export const CODE = Object.freeze({
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
});

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const FRAME_HEAD_BYTES = 9;
export const DEFAULT_WINDOW_BYTES = 65_535;
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
export const DEFAULT_FRAME_BYTES = 16_384;
export const DEFAULT_TABLE_BYTES = 4_096;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

type Bytes = string | Uint8Array;

/** Text is latin-1: a byte for a character. */
function bytesOf(data: Bytes): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data);
}

/** Any frame. The highest bit of `streamId` is the reserved one; `length` may say something else than the truth. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Bytes = '',
  length?: number,
): Buffer {
  const body = bytesOf(payload);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(length ?? body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** One big-endian 32-bit number after the other. */
export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}

/** RFC 9113 §6.1: the length of the padding, what it pads, and the padding. */
function padded(content: Buffer, padding: number): Buffer {
  return Buffer.concat([Buffer.from([padding]), content, Buffer.alloc(padding)]);
}

export interface DataOptions {
  readonly end?: boolean;
  readonly padding?: number;
}

export function data(streamId: number, content: Bytes, options: DataOptions = {}): Buffer {
  const { end = false, padding } = options;
  const body = bytesOf(content);
  const flags =
    (end ? FLAG.endStream : FLAG.none) | (padding === undefined ? FLAG.none : FLAG.padded);
  return frame(FRAME.data, flags, streamId, padding === undefined ? body : padded(body, padding));
}

export interface HeadersOptions extends DataOptions {
  /** Default true. */
  readonly endHeaders?: boolean;
  readonly priority?: { readonly dependsOn: number; readonly weight: number };
}

/** `fields` as a list, or a block that was encoded before. */
export function headers(
  streamId: number,
  fields: readonly Field[] | Uint8Array,
  options: HeadersOptions = {},
): Buffer {
  const { end = false, endHeaders = true, padding, priority: depends } = options;
  const block = fields instanceof Uint8Array ? bytesOf(fields) : encodeFields(fields);
  const content =
    depends === undefined
      ? block
      : Buffer.concat([uint32(depends.dependsOn), Buffer.from([depends.weight]), block]);
  const flags =
    (end ? FLAG.endStream : FLAG.none) |
    (endHeaders ? FLAG.endHeaders : FLAG.none) |
    (padding === undefined ? FLAG.none : FLAG.padded) |
    (depends === undefined ? FLAG.none : FLAG.priority);
  return frame(
    FRAME.headers,
    flags,
    streamId,
    padding === undefined ? content : padded(content, padding),
  );
}

export function continuation(streamId: number, block: Uint8Array, endHeaders: boolean): Buffer {
  return frame(FRAME.continuation, endHeaders ? FLAG.endHeaders : FLAG.none, streamId, block);
}

/** A block in a HEADERS frame and as many CONTINUATION frames as pieces of `size` bytes need. */
export function split(streamId: number, block: Buffer, size: number, end = false): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += size) {
    const piece = block.subarray(at, at + size);
    const endHeaders = at + size >= block.length;
    frames.push(
      at === 0
        ? headers(streamId, piece, { end, endHeaders })
        : continuation(streamId, piece, endHeaders),
    );
  }
  return Buffer.concat(frames);
}

export function rst(streamId: number, code: number): Buffer {
  return frame(FRAME.rstStream, FLAG.none, streamId, uint32(code));
}

export type SettingPair = readonly [id: number, value: number];

export function settings(...pairs: SettingPair[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value >>> 0, i * 6 + 2);
  });
  return frame(FRAME.settings, FLAG.none, 0, payload);
}

export function settingsAck(): Buffer {
  return frame(FRAME.settings, FLAG.ack, 0);
}

export function ping(payload: Bytes = '\0\0\0\0\0\0\0\0', isAck = false): Buffer {
  return frame(FRAME.ping, isAck ? FLAG.ack : FLAG.none, 0, payload);
}

export function goaway(lastStreamId: number, code: number, debug = ''): Buffer {
  const payload = Buffer.concat([uint32(lastStreamId, code), Buffer.from(debug, 'latin1')]);
  return frame(FRAME.goaway, FLAG.none, 0, payload);
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return frame(FRAME.windowUpdate, FLAG.none, streamId, uint32(increment));
}

export function priority(streamId: number, dependsOn = 0, weight = 15): Buffer {
  const payload = Buffer.concat([uint32(dependsOn), Buffer.from([weight])]);
  return frame(FRAME.priority, FLAG.none, streamId, payload);
}

export function pushPromise(
  streamId: number,
  promisedId: number,
  fields: readonly Field[],
): Buffer {
  const payload = Buffer.concat([uint32(promisedId), encodeFields(fields)]);
  return frame(FRAME.pushPromise, FLAG.endHeaders, streamId, payload);
}

/** The pairs of a SETTINGS frame. */
export function settingsOf({ payload }: Frame): SettingPair[] {
  const pairs: SettingPair[] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6)
    pairs.push([payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]);
  return pairs;
}

/** Payload of DATA and HEADERS without padding and priority. @throws Error when it is too short for them. */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  const hasPadding = (flags & FLAG.padded) !== 0;
  const padding = hasPadding ? payload.readUInt8(0) : 0;
  const start = (hasPadding ? 1 : 0) + (type === FRAME.headers && flags & FLAG.priority ? 5 : 0);
  if (start + padding > payload.length) throw new Error('a frame with more padding than payload');
  return payload.subarray(start, payload.length - padding);
}

/** Cuts bytes into frames, for a script's own output: what is no whole frame yet waits. */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0);

  *push(bytes: Uint8Array): Generator<Frame, void, undefined> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= FRAME_HEAD_BYTES) {
      const { type, flags, streamId, length } = frameHeadOf(this.#rest);
      const end = FRAME_HEAD_BYTES + length;
      if (this.#rest.length < end) return;
      const payload = this.#rest.subarray(FRAME_HEAD_BYTES, end);
      this.#rest = this.#rest.subarray(end);
      yield { type, flags, streamId, payload };
    }
  }
}

export function frameHeadOf(head: Buffer) {
  return {
    length: head.readUIntBE(0, 3),
    type: head.readUInt8(3),
    flags: head.readUInt8(4),
    streamId: head.readUInt32BE(5) & 0x7fff_ffff,
  };
}

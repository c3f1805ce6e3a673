/** Writes frames (RFC 9113 §6) behind what waits in an `Output`. */
import type { Output } from './output.js';
import { Flag, FrameBytes, FrameType } from './frame-types.js';

/** Reserves room for head and payload, and writes the head. */
function begin(output: Output, length: number, type: number, flags: number, id: number): void {
  output.reserve(FrameBytes.head + length);
  writeHead(output.bytes, output.at, length, type, flags, id);
  output.at += FrameBytes.head;
}

function writeHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeNumber(bytes, at + 5, id);
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function number(output: Output, value: number): void {
  writeNumber(output.bytes, output.at, value);
  output.at += 4;
}

/** Number, value, number, value … */
export function writeSettings(output: Output, settings: readonly number[]): void {
  begin(output, (settings.length / 2) * FrameBytes.setting, FrameType.Settings, 0, 0);
  for (let i = 0; i < settings.length; i += 2) {
    output.at = output.bytes.writeUInt16BE(settings[i] ?? 0, output.at);
    number(output, settings[i + 1] ?? 0);
  }
}

export function writeSettingsAck(output: Output): void {
  begin(output, 0, FrameType.Settings, Flag.Ack, 0);
}

/** `data` has the 8 bytes of a PING from `at` on. */
export function writePing(output: Output, flags: number, data: Buffer, at: number): void {
  begin(output, FrameBytes.ping, FrameType.Ping, flags, 0);
  output.at += data.copy(output.bytes, output.at, at, at + FrameBytes.ping);
}

export function writeGoaway(output: Output, lastStreamId: number, code: number): void {
  begin(output, FrameBytes.goaway, FrameType.Goaway, 0, 0);
  number(output, lastStreamId);
  number(output, code);
}

export function writeWindowUpdate(output: Output, streamId: number, increment: number): void {
  begin(output, FrameBytes.windowUpdate, FrameType.WindowUpdate, 0, streamId);
  number(output, increment);
}

export function writeRstStream(output: Output, streamId: number, code: number): void {
  begin(output, FrameBytes.rstStream, FrameType.RstStream, 0, streamId);
  number(output, code);
}

/** In frames of at most `maxFrameBytes`. No bytes are one empty frame. */
export function writeData(
  output: Output,
  streamId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  isLast: boolean,
  maxFrameBytes: number,
): void {
  const frames = Math.max(1, Math.ceil((end - start) / maxFrameBytes));
  output.reserve(end - start + frames * FrameBytes.head);
  let from = start;
  do {
    const to = Math.min(end, from + maxFrameBytes);
    const flags = isLast && to === end ? Flag.EndStream : 0;
    begin(output, to - from, FrameType.Data, flags, streamId);
    const isWhole = from === 0 && to === bytes.length;
    output.bytes.set(isWhole ? bytes : bytes.subarray(from, to), output.at);
    output.at += to - from;
    from = to;
  } while (from < end);
}

/** Leaves room for the head of a HEADERS frame: the block is to be written behind it, then `endHeaders` is called. */
export function beginHeaders(output: Output): number {
  const before = output.length;
  output.reserve(FrameBytes.head);
  output.at += FrameBytes.head;
  return before;
}

/**
 * Writes the head in front of the block, and cuts a block that is too large for one frame (§4.3, §6.10).
 *
 * @param before what `beginHeaders` returned: offsets would be of no use, the block may have moved.
 */
export function endHeaders(
  output: Output,
  before: number,
  streamId: number,
  isLast: boolean,
  maxFrameBytes: number,
): void {
  const length = output.length - before - FrameBytes.head;
  const flags = isLast ? Flag.EndStream : 0;
  if (length <= maxFrameBytes) {
    const at = output.at - length - FrameBytes.head;
    writeHead(output.bytes, at, length, FrameType.Headers, flags | Flag.EndHeaders, streamId);
    return;
  }
  const more = Math.ceil(length / maxFrameBytes) - 1;
  output.reserve(more * FrameBytes.head);
  const { bytes } = output;
  const block = output.at - length;
  output.at += more * FrameBytes.head;
  // From the last one on: each part moves to behind the heads in front of it.
  for (let i = more; i > 0; i -= 1) {
    const from = block + i * maxFrameBytes;
    const size = Math.min(maxFrameBytes, block + length - from);
    const to = from + i * FrameBytes.head;
    bytes.copyWithin(to, from, from + size);
    const end = i === more ? Flag.EndHeaders : 0;
    writeHead(bytes, to - FrameBytes.head, size, FrameType.Continuation, end, streamId);
  }
  const at = block - FrameBytes.head;
  writeHead(bytes, at, maxFrameBytes, FrameType.Headers, flags, streamId);
}

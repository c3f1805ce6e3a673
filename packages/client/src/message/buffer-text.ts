/**
 * Bytes to text, on the hot path: the methods below `Buffer.toString()`, which spends as long on finding
 * out its encoding as on a response head. Not in Node's documents, but in every version since 0.x.
 */
import { isAscii } from 'node:buffer';

/** Below, the check costs what it saves. */
const ASCII_CHECK_MIN_BYTES = 2_048;

interface TextBuffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as TextBuffer).latin1Slice(start, end);
}

export function utf8(bytes: Buffer, start: number, end: number): string {
  // Before Node 24, decoding takes a nanosecond for each byte; to see that there is nothing to decode, a tenth.
  if (end - start >= ASCII_CHECK_MIN_BYTES && isAscii(bytes.subarray(start, end)))
    return latin1(bytes, start, end);
  return (bytes as unknown as TextBuffer).utf8Slice(start, end);
}

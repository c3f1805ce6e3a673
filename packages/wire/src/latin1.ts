/**
 * Bytes to text and back, on the hot path: the methods below `Buffer.toString()` and `Buffer.write()`, which spend as long on
 * finding out their encoding as on a head. Not in Node's documents, but in every version since 0.x.
 */
import { CONSTANTS } from './constants.js';

interface TextBuffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as TextBuffer).latin1Slice(start, end);
}

/** Writes Latin-1 text, for which there must be room. */
export function writeLatin1(bytes: Buffer, at: number, text: string): void {
  const { length } = text;
  if (length >= CONSTANTS.writeByCallMinLength) {
    (bytes as unknown as TextBuffer).latin1Write(text, at, length);
    return;
  }
  for (let i = 0; i < length; i += 1) bytes[at + i] = text.charCodeAt(i);
}

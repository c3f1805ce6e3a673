/**
 * Bytes to text, on the hot path: the method below `Buffer.toString()`, which spends as long on finding out its
 * encoding as on a head. Not in Node's documents, but in every version since 0.x.
 */
interface TextBuffer {
  latin1Slice(start: number, end: number): string;
}

export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as TextBuffer).latin1Slice(start, end);
}

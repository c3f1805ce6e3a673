/** Writes the framing of a chunked body (RFC 9112 §7.1): what stands before and after the data of each chunk. */

/** After the data of a chunk. */
export const CHUNK_END = '\r\n';
/** The last chunk, and a trailer section without a field. */
export const LAST_CHUNK = '0\r\n\r\n';

/** Before the data of a chunk. Not for empty pieces: a chunk without data is the last one, and ends the body. */
export function chunkHead(length: number): string {
  return `${length.toString(16)}\r\n`;
}

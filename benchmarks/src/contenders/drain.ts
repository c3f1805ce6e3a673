/** Reads a stream to its end, in three ways, and counts its bytes: the same work for every contender. */
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export async function drain(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

export async function drainReader(stream: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stream.getReader();
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read())
    bytes += piece.value.length;
  return bytes;
}

export async function drainThrough(stream: Readable): Promise<number> {
  let bytes = 0;
  const counter = new Writable({
    write(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      done();
    },
  });
  await pipeline(stream, counter);
  return bytes;
}

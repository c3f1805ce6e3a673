import { expect, it } from 'vitest';
import { CHUNK_END, chunkHead, LAST_CHUNK } from './chunk-writer.js';

it('a body in chunks: each has its length in hexadecimal, the last one is empty (RFC 9112 §7.1)', () => {
  const pieces = ['h', 'x'.repeat(26), 'y'.repeat(65_536)];
  const body = pieces.map((piece) => chunkHead(piece.length) + piece + CHUNK_END).join('');
  expect(body + LAST_CHUNK).toBe(
    `1\r\nh\r\n1a\r\n${pieces[1]}\r\n10000\r\n${pieces[2]}\r\n0\r\n\r\n`,
  );
});

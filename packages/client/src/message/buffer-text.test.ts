import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf, textOfLatin1 } from './buffer-text.js';

/** From this length on, text is looked at before it is decoded. */
const CHECKED_BYTES = 2_048;

/** Both ways to the text, side by side with what the platform says. */
function isText(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  const buffer = Buffer.from(bytes);
  return textOf(buffer) === text && textOfLatin1(buffer.toString('latin1')) === text;
}

/** ASCII of a length around `CHECKED_BYTES`, with some bytes laid over it. */
const aroundTheCheck = fc
  .record({
    length: fc.integer({ min: CHECKED_BYTES - 5, max: CHECKED_BYTES + 5 }),
    patch: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }).map((text) => Buffer.from(text)),
    ),
    where: fc.oneof(fc.constantFrom(0, Infinity), fc.nat(CHECKED_BYTES)),
  })
  .map(({ length, patch, where }) => {
    const bytes = new Uint8Array(length).fill(0x61);
    bytes.set(patch, Math.min(where, length - patch.length));
    return bytes;
  });

/** Of few choices, so that a failure is soon made small. */
const manyBytes = fc
  .tuple(
    fc.integer({ min: CHECKED_BYTES - 50, max: CHECKED_BYTES + 50 }),
    fc.uint8Array({ minLength: 1, maxLength: 64 }),
  )
  .map(([length, pattern]) => Buffer.alloc(length, pattern));

const marks = fc.constantFrom('', '\ufeff', '\ufeff\ufeff');
const unicode = fc
  .tuple(marks, fc.string({ unit: 'binary', maxLength: 40 }))
  .map((parts) => Buffer.from(parts.join('')));

describe('the text of bytes', () => {
  it.each([
    ['any bytes', fc.uint8Array({ maxLength: 64 })],
    ['any bytes, many of them', manyBytes],
    ['any text, with byte order marks or without', unicode],
    ['any text that was cut', unicode.map((bytes) => bytes.subarray(1, -1))],
    ['ASCII but for a few bytes, as long as what is checked first', aroundTheCheck],
  ])('is what TextDecoder says, for %s', (_what, bytes) => {
    fc.assert(fc.property(bytes, isText));
  });

  it.each([-1, 0, 1, CHECKED_BYTES])(
    'is whole when its only character beyond ASCII is the last: %i bytes from the check',
    (distance) => {
      const ascii = 'a'.repeat(CHECKED_BYTES + distance - 2);
      const bytes = Buffer.from(`${ascii}é`);
      expect(textOf(bytes)).toBe(`${ascii}é`);
      expect(textOfLatin1(bytes.toString('latin1'))).toBe(`${ascii}é`);
    },
  );

  it.each([
    ['first', 0],
    ['last', CHECKED_BYTES - 1],
  ])('shows the one byte that is no text, though it is the %s', (_which, place) => {
    const bytes = Buffer.alloc(CHECKED_BYTES, 'a');
    bytes[place] = 0xe9;
    expect(textOf(bytes).charCodeAt(place)).toBe(0xfffd);
    expect(isText(bytes)).toBe(true);
  });

  it.each([0, 1, CHECKED_BYTES - 1, CHECKED_BYTES, CHECKED_BYTES + 1])(
    'is the same text for %i ASCII bytes',
    (length) => expect(isText(Buffer.alloc(length, 'plain text\r\n\0\x7f'))).toBe(true),
  );

  it('is that of a view, not of the memory around it', () => {
    const text = 'a'.repeat(CHECKED_BYTES);
    const around = Buffer.from(`é${text}é`);
    expect(textOf(around.subarray(2, -2))).toBe(text);
    expect(textOf(around.subarray(2))).toBe(`${text}é`);
  });
});

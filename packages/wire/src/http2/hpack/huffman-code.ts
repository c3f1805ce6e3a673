/**
 * The Huffman code of HPACK (RFC 7541 §B). It is canonical: codes of one length follow one another in the order of their
 * symbols, so that the lengths say all of it.
 */

/** In bits, by symbol: 256 octets and EOS. */
// prettier-ignore
export const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
   6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,  5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
  13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
  15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

/** The symbol behind the octets: its code is all ones, and its beginning is the padding. */
export const EOS = 0x100;

/** The codes, in their lowest bits, by symbol. */
export const CODES: readonly number[] = canonicalCodes();

function canonicalCodes(): number[] {
  const codes = new Array<number>(CODE_LENGTHS.length).fill(0);
  let code = 0;
  for (let length = 1; length <= Math.max(...CODE_LENGTHS); length += 1) {
    code *= 2;
    for (let symbol = 0; symbol < CODE_LENGTHS.length; symbol += 1)
      if (CODE_LENGTHS[symbol] === length) {
        codes[symbol] = code;
        code += 1;
      }
  }
  return codes;
}

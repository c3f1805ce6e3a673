/**
 * What literals said before, by their coded octets: one that comes again, as nginx sends nearly all of them with each response, is
 * compared where it lies, and costs neither decoding nor text nor a look at what it means.
 *
 * One place for each slot, of a bounded width: what does not fit is not kept, and the last one counts. A slot whose literals do
 * not come again, such as paths, is written to only now and then.
 */
import type { CodedText } from './coded-text.js';
import { HPACK } from './constants.js';
import { HpackField } from './field.js';
import type { Cursor } from './integer.js';
import { staticSlot } from './static-table.js';

const WIDTH = HPACK.memoOctets;
/** Misses are counted round, in an octet. */
const MISSES_MASK = 0xff;

export class LiteralMemo {
  readonly #octets: Uint8Array;
  /** By slot: the number of octets twice, and one more when they are Huffman-coded. */
  readonly #keys: Uint8Array;
  /** By slot: literals that were not found since one was. */
  readonly #misses: Uint8Array;
  readonly #fields: (HpackField | undefined)[];

  constructor(slots: number) {
    this.#octets = new Uint8Array(slots * WIDTH);
    this.#keys = new Uint8Array(slots);
    this.#misses = new Uint8Array(slots);
    this.#fields = new Array<HpackField | undefined>(slots).fill(undefined);
  }

  find(slot: number, text: CodedText): HpackField | undefined {
    const { bytes, start, length } = text;
    if (this.#keys[slot] !== keyOf(text)) return undefined;
    const place = slot * WIDTH;
    const octets = this.#octets;
    for (let i = 0; i < length; i += 1)
      if (octets[place + i] !== bytes[start + i]) return undefined;
    this.#misses[slot] = 0;
    return this.#fields[slot];
  }

  /** `field` is what was made of `text`, which was not found. */
  keep(slot: number, text: CodedText, field: HpackField): void {
    const { bytes, start, length } = text;
    if (length > WIDTH) return;
    const misses = ((this.#misses[slot] ?? 0) + 1) & MISSES_MASK;
    this.#misses[slot] = misses;
    if (misses > HPACK.memoPatience) return;
    const place = slot * WIDTH;
    const octets = this.#octets;
    for (let i = 0; i < length; i += 1) octets[place + i] = bytes[start + i] ?? 0;
    this.#keys[slot] = keyOf(text);
    this.#fields[slot] = field;
  }
}

/** Of one that is too long it is none that is kept, whatever is left of it in an octet. */
function keyOf(text: CodedText): number {
  return (text.length << 1) | text.coded;
}

/** One for all connections: names are few, and no secrets. */
const NAMES = new LiteralMemo(HPACK.nameSlots);

/** The name at the cursor, as a field without a value; `text` is used to read it. @throws WireError */
export function literalName(text: CodedText, cursor: Cursor): HpackField {
  text.read(cursor);
  const hash = hashOf(text);
  const slot = hash & (HPACK.nameSlots - 1);
  const known = NAMES.find(slot, text);
  if (known !== undefined) return known;
  const name = text.toString();
  const field = HpackField.of(name, '', staticSlot(name) ?? hash & (HPACK.valueSlots - 1));
  NAMES.keep(slot, text, field);
  return field;
}

/** By length and three octets, which is enough to tell names from each other. */
function hashOf({ bytes, start, length }: CodedText): number {
  if (length === 0) return 0;
  const first = bytes[start] ?? 0;
  const middle = bytes[start + (length >> 1)] ?? 0;
  const last = bytes[start + length - 1] ?? 0;
  const mixed = (((((length << 5) ^ first) << 5) ^ middle) << 5) ^ last;
  return Math.imul(mixed, 0x9e3779b1) >>> 20;
}

/**
 * Decodes header blocks (RFC 7541): one for each direction of a connection, for every block that comes, that of a stream that
 * is closed too, because each may change the table.
 *
 *   start of a block ─▶ size updates, at most two ─▶ fields ─▶ end
 *
 * A list above the limit is decoded to its end all the same; only what is beyond the limit is not given. Time and memory are
 * bounded by the block: a string has at most 8/5 of its coded length, an indexed field costs no copy.
 */
import { latin1 } from '../../latin1.js';
import { WireError } from '../../wire-error.js';
import { nameKind, withValue } from '../field-kind.js';
import { HPACK } from './constants.js';
import { DynamicTable } from './dynamic-table.js';
import { fieldSize, HpackField } from './field.js';
import { decodeHuffman, maxDecodedLength } from './huffman.js';
import { Cursor } from './integer.js';
import { FIRST_DYNAMIC_INDEX, STATIC_TABLE } from './static-table.js';

export interface FieldTaker {
  /**
   * Latin-1 text, and its kind (field-kind.ts): a field that breaks the rules of HTTP comes like any other, because its block
   * goes on. Must not throw: the rest of the block would not be decoded.
   */
  field(name: string, value: string, kind: number): void;
}

/** What the first octet of a representation says (RFC 7541 §6). */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;
/** Prefixes: of an index, of a literal's name that is put into the table, of a size update, of any other literal's name, of a length. */
const INDEX_MASK = 0x7f;
const INDEXING_MASK = 0x3f;
const SIZE_MASK = 0x1f;
const LITERAL_MASK = 0x0f;
const LENGTH_MASK = 0x7f;
const IS_HUFFMAN = 0x80;

export class HpackDecoder {
  readonly #table: DynamicTable<HpackField>;
  readonly #cursor = new Cursor();
  #maxTableBytes: number;
  /**
   * Our limit was below what the peer uses: its next block must begin with an update to no more than the smallest
   * one (RFC 7541 §4.2). Infinity when none is due.
   */
  #dueBytes = Infinity;

  /** @param maxTableBytes what the peer may use: 4 096 until our SETTINGS are acknowledged. */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#table = new DynamicTable(maxTableBytes);
  }

  /** SETTINGS_HEADER_TABLE_SIZE of ours, once the peer has acknowledged it. */
  setMaxTableBytes(maxTableBytes: number): void {
    this.#maxTableBytes = maxTableBytes;
    if (maxTableBytes < this.#table.maxBytes)
      this.#dueBytes = Math.min(this.#dueBytes, maxTableBytes);
  }

  /**
   * Decodes one whole block and gives its fields in order, up to the first with which the list is larger than
   * `maxListBytes`. Returns whether that was all. Nothing of `block` is kept.
   *
   * @throws WireError an error of the connection: the tables of the two sides differ from here on
   */
  decode(
    block: Buffer,
    start: number,
    end: number,
    taker: FieldTaker,
    maxListBytes: number,
  ): boolean {
    const cursor = this.#cursor;
    cursor.bytes = block;
    cursor.at = start;
    cursor.end = end;
    this.#readSizeUpdates();
    let left = maxListBytes;
    while (cursor.at < end) {
      const first = block[cursor.at] ?? 0;
      if (first >= INDEXED) {
        const field = this.#entry(cursor.integer(INDEX_MASK));
        // Below zero it stays: what follows a field that was left out is left out, too.
        if (left < 0) continue;
        left -= field.size;
        if (left >= 0) taker.field(field.name, field.value, field.kind);
      } else if (first >= WITH_INDEXING) {
        const field = this.#newEntry();
        this.#table.insert(field);
        if (left < 0) continue;
        left -= field.size;
        if (left >= 0) taker.field(field.name, field.value, field.kind);
      } else if (first >= SIZE_UPDATE)
        throw new WireError('hpack-table-size', 'a table size update behind a field');
      else left = this.#giveLiteral(taker, left);
    }
    cursor.bytes = NOTHING;
    return left >= 0;
  }

  #readSizeUpdates(): void {
    const cursor = this.#cursor;
    for (let updates = 0; cursor.at < cursor.end; updates += 1) {
      const first = cursor.bytes[cursor.at] ?? 0;
      if (first < SIZE_UPDATE || first >= WITH_INDEXING) break;
      const size = cursor.integer(SIZE_MASK);
      if (updates === HPACK.maxSizeUpdates)
        throw new WireError('hpack-table-size', 'more than two table size updates in a row');
      const maxBytes = Math.min(this.#maxTableBytes, this.#dueBytes);
      if (size > maxBytes)
        throw new WireError(
          'hpack-table-size',
          `a table size of ${size} bytes, and ${maxBytes} is the limit`,
        );
      this.#dueBytes = Infinity;
      this.#table.setMaxBytes(size);
    }
    if (this.#dueBytes !== Infinity)
      throw new WireError('hpack-table-size', 'no table size update after the size was reduced');
  }

  #entry(index: number): HpackField {
    const field =
      index < FIRST_DYNAMIC_INDEX
        ? STATIC_TABLE[index]
        : this.#table.at(index - FIRST_DYNAMIC_INDEX);
    if (field === undefined || index === 0)
      throw new WireError('hpack-index', `index ${index}, which no entry has`);
    return field;
  }

  #newEntry(): HpackField {
    const index = this.#cursor.integer(INDEXING_MASK);
    if (index === 0) {
      const name = this.#string();
      return HpackField.of(name, this.#string());
    }
    const { name, nameKind } = this.#entry(index);
    return new HpackField(name, this.#string(), nameKind);
  }

  /** A literal that is not put into the table. Returns what is left of the list. */
  #giveLiteral(taker: FieldTaker, left: number): number {
    const index = this.#cursor.integer(LITERAL_MASK);
    const entry = index === 0 ? undefined : this.#entry(index);
    const name = entry === undefined ? this.#string() : entry.name;
    const value = this.#string();
    if (left < 0) return left;
    const rest = left - fieldSize(name, value);
    if (rest >= 0)
      taker.field(
        name,
        value,
        withValue(entry === undefined ? nameKind(name) : entry.nameKind, value),
      );
    return rest;
  }

  #string(): string {
    const cursor = this.#cursor;
    if (cursor.at === cursor.end) throw cutOff();
    const { bytes } = cursor;
    const isHuffman = (bytes[cursor.at] ?? 0) >= IS_HUFFMAN;
    const length = cursor.integer(LENGTH_MASK);
    const start = cursor.at;
    if (length > cursor.end - start) throw cutOff();
    cursor.at = start + length;
    if (!isHuffman) return latin1(bytes, start, cursor.at);
    const most = maxDecodedLength(length);
    const into = most <= SCRATCH.length ? SCRATCH : Buffer.allocUnsafeSlow(most);
    return latin1(into, 0, decodeHuffman(bytes, start, cursor.at, into, 0));
  }
}

function cutOff(): Error {
  return new WireError('hpack-string', 'a header block ends in the middle of a string');
}

const NOTHING = Buffer.alloc(0);
/** One for all: nothing stays in it between two strings. */
const SCRATCH = Buffer.allocUnsafeSlow(HPACK.scratchBytes);

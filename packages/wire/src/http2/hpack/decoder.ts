/**
 * Decodes header blocks (RFC 7541): one for each direction of a connection, for every block that comes, that of a stream that
 * is closed too, because each may change the table.
 *
 *   start of a block ─▶ size updates, at most two ─▶ fields ─▶ end
 *
 * A list above the limit is decoded to its end all the same; only what is beyond the limit is not given. Time and memory are
 * bounded by the block: a string has at most 8/5 of its coded length, an indexed field costs no copy.
 */
import { WireError } from '../../wire-error.js';
import { HPACK } from './constants.js';
import { DynamicTable } from './dynamic-table.js';
import { HpackField } from './field.js';
import { Cursor } from './integer.js';
import { LiteralMemo, literalName } from './literal-memo.js';
import { CodedText } from './coded-text.js';
import { FIRST_DYNAMIC_INDEX, STATIC_TABLE } from './static-table.js';

export interface FieldTaker {
  /**
   * Latin-1 text, and its kind (field-kind.ts): a field that breaks the rules of HTTP comes like any other, because its block
   * goes on. Must not throw: the rest of the block would not be decoded.
   */
  field(name: string, value: string, kind: number): void;
}

/** What the first octet of a representation says (RFC 7541 §6), from the highest on. */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
/** Prefixes: of an index; of a literal's name, if it is put into the table, and if not; of a size. */
const INDEX_MASK = 0x7f;
const INDEXING_MASK = 0x3f;
const LITERAL_MASK = 0x0f;
const SIZE_MASK = 0x1f;

export class HpackDecoder {
  readonly #table: DynamicTable<HpackField>;
  readonly #cursor = new Cursor();
  /** The string that was met last. */
  readonly #text = new CodedText();
  /** Of values; there is none before the connection has shown that it goes on. */
  #memo: LiteralMemo | undefined = undefined;
  #literals = 0;
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
      const field = this.#field(block[cursor.at] ?? 0);
      // It never comes back above zero: what follows a field that was left out is left out, too.
      left -= field.size;
      if (left >= 0) taker.field(field.name, field.value, field.kind);
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

  #field(first: number): HpackField {
    const cursor = this.#cursor;
    if (first >= INDEXED) return this.#entry(cursor.integer(INDEX_MASK));
    if (first >= WITH_INDEXING) {
      const field = this.#literal(cursor.integer(INDEXING_MASK), false);
      this.#table.insert(field);
      return field;
    }
    if (first >= SIZE_UPDATE)
      throw new WireError('hpack-table-size', 'a table size update behind a field');
    return this.#literal(cursor.integer(LITERAL_MASK), first >= NEVER_INDEXED);
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

  /** @param isSecret the peer wants it to be kept nowhere. */
  #literal(nameIndex: number, isSecret: boolean): HpackField {
    const text = this.#text;
    const { name, nameKind, slot } =
      nameIndex === 0 ? literalName(text, this.#cursor) : this.#entry(nameIndex);
    text.read(this.#cursor);
    const memo = isSecret ? undefined : this.#memo;
    const known = memo?.find(slot, text);
    if (known !== undefined && known.name === name) return known;
    const field = new HpackField(name, text.toString(), nameKind, slot);
    if (memo !== undefined) memo.keep(slot, text, field);
    else if (!isSecret) this.#countLiteral();
    return field;
  }

  #countLiteral(): void {
    this.#literals += 1;
    if (this.#literals === HPACK.memoAfterLiterals) this.#memo = new LiteralMemo(HPACK.valueSlots);
  }
}

const NOTHING = Buffer.alloc(0);

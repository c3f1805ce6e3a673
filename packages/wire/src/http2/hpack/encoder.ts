/**
 * Encodes header blocks (RFC 7541): one for each direction of a connection, for every block that is sent, in the order they
 * are sent.
 *
 * What repeats is put into the table, so that it costs an octet from then on; what differs each time is not, because it would
 * drive out what repeats. A name of which that is not known is watched: its value goes into the table when it comes for the
 * second time. Credentials are never indexed, by us and by those that pass them on (RFC 7541 §7.1.3).
 *
 * Text is Huffman-coded only where it goes into the table: it is sent once then. Elsewhere, coding takes more time than the
 * bytes that it saves.
 */
import { latin1, writeLatin1 } from '../../latin1.js';
import type { Output } from '../output.js';
import { HPACK } from './constants.js';
import { DynamicTable } from './dynamic-table.js';
import { encodeHuffman, huffmanLength } from './huffman.js';
import { writeInteger } from './integer.js';
import { FIRST_DYNAMIC_INDEX, STATIC_NAMES, STATIC_TABLE } from './static-table.js';

/** How the first octet of a representation begins (RFC 7541 §6), and the mask of its integer. */
const INDEXED = 0x80;
const INDEX_MASK = 0x7f;
const WITH_INDEXING = 0x40;
const INDEXING_MASK = 0x3f;
const SIZE_UPDATE = 0x20;
const SIZE_MASK = 0x1f;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;
const LITERAL_MASK = 0x0f;
const LENGTH_MASK = 0x7f;
const IS_HUFFMAN = 0x80;

/** When a field is put into the table. `cookie`: as `repeated` when it is long, else never. */
type Indexing = 'first' | 'repeated' | 'no' | 'cookie' | 'never';

/** Names of which it is known; all others are `repeated`. */
const INDEXING: ReadonlyMap<string, Indexing> = new Map<string, Indexing>([
  ...[
    ':authority',
    'accept',
    'accept-charset',
    'accept-encoding',
    'accept-language',
    'cache-control',
    'content-encoding',
    'content-type',
    'server',
    'strict-transport-security',
    'user-agent',
    'vary',
    'via',
  ].map((name) => [name, 'first'] as const),
  ...['content-length', 'content-range', 'age', 'traceparent', 'x-request-id'].map(
    (name) => [name, 'no'] as const,
  ),
  ...['cookie', 'set-cookie'].map((name) => [name, 'cookie'] as const),
  ...['authorization', 'proxy-authorization'].map((name) => [name, 'never'] as const),
]);

/** What was put into the table. Where it stands follows from how many were put in behind it. */
class Sent {
  readonly value: string;
  readonly size: number;
  /** Its number, counted from the first of the connection. */
  readonly number: number;

  constructor(value: string, size: number, number: number) {
    this.value = value;
    this.size = size;
    this.number = number;
  }
}

/** A name as it was given, and what the encoder knows of it. */
class KnownName {
  /** In lower case (RFC 9113 §8.2). */
  readonly name: string;
  readonly indexing: Indexing;
  /** 0 when it is not in the static table. */
  readonly staticIndex: number;
  /** Entries of it, the newest first; those that were driven out are dropped when they are met. */
  readonly sent: Sent[] = [];
  /**
   * The last value that was not put into the table, or its hash: text keeps alive what it was cut out of. A path differs
   * each time, is one for each connection, and its hash would take longer than all the rest.
   */
  candidate: string | number | undefined = undefined;

  /** @param given a text of its own. */
  constructor(given: string) {
    this.name = given.toLowerCase();
    this.indexing = INDEXING.get(this.name) ?? 'repeated';
    this.staticIndex = STATIC_NAMES.get(this.name) ?? 0;
  }
}

export class HpackEncoder {
  readonly #maxOwnBytes: number;
  readonly #table: DynamicTable<Sent>;
  /** By the name as it is given: the same text is lowered once. */
  readonly #names = new Map<string, KnownName>();
  /** The smallest size since the last block, and the one to use; −1 when the peer knows of it. */
  #smallestBytes = -1;
  #nextBytes = -1;

  /** @param maxTableBytes what is used at most, whatever the peer offers. */
  constructor(maxTableBytes: number) {
    this.#maxOwnBytes = maxTableBytes;
    this.#table = new DynamicTable(HPACK.initialTableBytes);
    if (maxTableBytes < HPACK.initialTableBytes) this.setMaxTableBytes(maxTableBytes);
  }

  /** SETTINGS_HEADER_TABLE_SIZE of the peer. What follows of it is said at the beginning of the next block. */
  setMaxTableBytes(offeredBytes: number): void {
    const bytes = Math.min(offeredBytes, this.#maxOwnBytes);
    const isDue = this.#nextBytes !== -1;
    if (!isDue && bytes === this.#table.maxBytes) return;
    this.#smallestBytes = isDue ? Math.min(this.#smallestBytes, bytes) : bytes;
    this.#nextBytes = bytes;
  }

  /** Before the first field of each block. */
  begin(output: Output): void {
    if (this.#nextBytes === -1) return;
    output.reserve(MAX_INTEGER_BYTES * HPACK.maxSizeUpdates);
    // The table has been smaller for a while: what that drives out is gone at the peer's, too (RFC 7541 §4.2).
    if (this.#smallestBytes < this.#nextBytes) this.#resize(output, this.#smallestBytes);
    this.#resize(output, this.#nextBytes);
    this.#smallestBytes = -1;
    this.#nextBytes = -1;
  }

  #resize(output: Output, bytes: number): void {
    writeInteger(output, SIZE_UPDATE, SIZE_MASK, bytes);
    this.#table.setMaxBytes(bytes);
  }

  /** Writes one field. The name may have any case; both are Latin-1 text and have been checked. */
  field(output: Output, name: string, value: string): void {
    const known = this.#names.get(name) ?? this.#learn(name);
    const index = this.#indexOf(known, value);
    if (index !== 0) {
      output.reserve(MAX_INTEGER_BYTES);
      writeInteger(output, INDEXED, INDEX_MASK, index);
    } else this.#literal(output, known, value);
  }

  #learn(name: string): KnownName {
    if (name.length > HPACK.maxKnownNameLength) return new KnownName(name);
    // What is in the table is forgotten too, which costs some bytes and is never wrong.
    if (this.#names.size === HPACK.maxKnownNames) this.#names.clear();
    const own = ownText(name);
    const known = new KnownName(own);
    this.#names.set(own, known);
    return known;
  }

  /** The index of the whole field, or 0. */
  #indexOf(known: KnownName, value: string): number {
    const { sent } = known;
    const oldest = this.#table.inserted - this.#table.count;
    for (let i = 0; i < sent.length; i += 1) {
      const entry = sent[i];
      if (entry === undefined || entry.number < oldest) {
        sent.length = i;
        break;
      }
      if (entry.value === value) return this.#place(entry);
    }
    // Entries of one name stand together.
    const { staticIndex } = known;
    if (staticIndex === 0) return 0;
    for (let i = staticIndex; STATIC_TABLE[i]?.name === known.name; i += 1)
      if (STATIC_TABLE[i]?.value === value) return i;
    return 0;
  }

  #place(entry: Sent): number {
    return FIRST_DYNAMIC_INDEX + this.#table.inserted - 1 - entry.number;
  }

  #literal(output: Output, known: KnownName, value: string): void {
    const size = known.name.length + value.length + HPACK.entryOverheadBytes;
    const newest = known.sent[0];
    const nameIndex =
      known.staticIndex !== 0 || newest === undefined ? known.staticIndex : this.#place(newest);
    if (this.#isIndexed(known, value, size)) {
      writeHead(output, WITH_INDEXING, INDEXING_MASK, nameIndex, known.name, true);
      writeText(output, value, true);
      const entry = new Sent(ownText(value), size, this.#table.inserted);
      if (!this.#table.insert(entry)) return;
      known.sent.unshift(entry);
      if (known.sent.length > HPACK.maxValuesPerName) known.sent.length = HPACK.maxValuesPerName;
      return;
    }
    const isSecret =
      known.indexing === 'never' ||
      (known.indexing === 'cookie' && value.length < HPACK.minIndexedCookieLength);
    writeHead(
      output,
      isSecret ? NEVER_INDEXED : WITHOUT_INDEXING,
      LITERAL_MASK,
      nameIndex,
      known.name,
      false,
    );
    writeText(output, value, false);
  }

  #isIndexed(known: KnownName, value: string, size: number): boolean {
    if (size > this.#table.maxBytes * HPACK.maxTablePart) return false;
    switch (known.indexing) {
      case 'first':
        return true;
      case 'no':
      case 'never':
        return false;
      case 'cookie':
        if (value.length < HPACK.minIndexedCookieLength) return false;
        break;
      case 'repeated':
    }
    const candidate = known.name === ':path' ? value : hashOf(value);
    if (known.candidate === candidate) {
      known.candidate = undefined;
      return true;
    }
    known.candidate = candidate;
    return false;
  }
}

/** A copy: the engine makes a part of a text by pointing into the whole, which lives as long as the part then. */
function ownText(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return latin1(bytes, 0, bytes.length);
}

/** 32 bits of FNV-1a. Another value of the same hash goes into the table a little early, and that is all. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** An octet of prefix, and those behind it. */
const MAX_INTEGER_BYTES = 1 + HPACK.maxIntegerOctets;

function writeHead(
  output: Output,
  pattern: number,
  mask: number,
  nameIndex: number,
  name: string,
  isCoded: boolean,
): void {
  output.reserve(MAX_INTEGER_BYTES);
  writeInteger(output, pattern, mask, nameIndex);
  if (nameIndex === 0) writeText(output, name, isCoded);
}

function writeText(output: Output, text: string, isCoded: boolean): void {
  const { length } = text;
  const coded = isCoded ? huffmanLength(text) : length;
  if (coded < length) {
    output.reserve(MAX_INTEGER_BYTES + coded);
    writeInteger(output, IS_HUFFMAN, LENGTH_MASK, coded);
    output.at = encodeHuffman(text, output.bytes, output.at);
    return;
  }
  output.reserve(MAX_INTEGER_BYTES + length);
  writeInteger(output, 0, LENGTH_MASK, length);
  writeLatin1(output.bytes, output.at, text);
  output.at += length;
}

/**
 * HPACK (RFC 7541) for origins in tests: a plain encoder, a full decoder, and nothing shared with the one under test.
 *
 * The encoder writes literals without indexing and without Huffman, and the static entries of `:status`; so what an
 * origin sends never depends on what it sent before. The decoder reads whatever a client may send.
 */

export type Field = readonly [name: string, value: string];

/** Appendix A. */
const STATIC_TABLE: readonly Field[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map((status): Field => [':status', status]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...[
    ...['accept-language', 'accept-ranges', 'accept', 'access-control-allow-origin', 'age'],
    ...['allow', 'authorization', 'cache-control', 'content-disposition', 'content-encoding'],
    ...['content-language', 'content-length', 'content-location', 'content-range'],
    ...['content-type', 'cookie', 'date', 'etag', 'expect', 'expires', 'from', 'host', 'if-match'],
    ...['if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified'],
    ...['link', 'location', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'range'],
    ...['referer', 'refresh', 'retry-after', 'server', 'set-cookie', 'strict-transport-security'],
    ...['transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
  ].map((name): Field => [name, '']),
];

/**
 * Appendix B, as the lengths of the codes: `[length, how many symbols in a row]`, from symbol 0 to 256 (the end). The
 * codes follow from them, because shorter ones come first, and those of one length in the order of their symbols.
 */
// prettier-ignore
export const CODE_LENGTHS: readonly number[] = (
  [
    [13, 1], [23, 1], [28, 7], [24, 1], [30, 1], [28, 2], [30, 1], [28, 8], [30, 1], [28, 9],
    [6, 1], [10, 2], [12, 1], [13, 1], [6, 1], [8, 1], [11, 1], [10, 2], [8, 1], [11, 1], [8, 1], [6, 3],
    [5, 3], [6, 7], [7, 1], [8, 1], [15, 1], [6, 1], [12, 1], [10, 1], [13, 1], [6, 1], [7, 22], [8, 1], [7, 1], [8, 1],
    [13, 1], [19, 1], [13, 1], [14, 1], [6, 1], [15, 1], [5, 1], [6, 1], [5, 1], [6, 1], [5, 1], [6, 3], [5, 1], [7, 2],
    [6, 3], [5, 1], [6, 1], [7, 1], [6, 1], [5, 2], [6, 1], [7, 5], [15, 1], [11, 1], [14, 1], [13, 1], [28, 1],
    [20, 1], [22, 1], [20, 2], [22, 3], [23, 1], [22, 1], [23, 5], [24, 1], [23, 1], [24, 2], [22, 1], [23, 1], [24, 1],
    [23, 4], [21, 1], [22, 1], [23, 1], [22, 1], [23, 2], [24, 1], [22, 1], [21, 1], [20, 1], [22, 2], [23, 2], [21, 1],
    [23, 1], [22, 2], [24, 1], [21, 1], [22, 1], [23, 2], [21, 2], [22, 1], [21, 1], [23, 1], [22, 1], [23, 2], [20, 1],
    [22, 3], [23, 1], [22, 2], [23, 1], [26, 2], [20, 1], [19, 1], [22, 1], [23, 1], [22, 1], [25, 1], [26, 3], [27, 2],
    [26, 1], [24, 1], [25, 1], [19, 1], [21, 1], [26, 1], [27, 2], [26, 1], [27, 1], [24, 1], [21, 2], [26, 2], [28, 1],
    [27, 3], [20, 1], [24, 1], [20, 1], [21, 1], [22, 1], [21, 2], [23, 1], [22, 2], [25, 2], [24, 2], [26, 1], [23, 1],
    [26, 1], [27, 1], [26, 2], [27, 5], [28, 1], [27, 5], [26, 1], [30, 1],
  ] as const
).flatMap(([length, count]) => Array<number>(count).fill(length));

const END_OF_STRING = 256;
/** `length:code` → symbol. */
const SYMBOLS = symbols();

function symbols(): ReadonlyMap<string, number> {
  const bySize = CODE_LENGTHS.map((length, symbol) => ({ length, symbol }));
  bySize.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  const map = new Map<string, number>();
  let code = 0;
  let length = 0;
  for (const entry of bySize) {
    code *= 2 ** (entry.length - length);
    length = entry.length;
    map.set(`${length}:${code}`, entry.symbol);
    code += 1;
  }
  return map;
}

/** §5.2. The padding is what the code for the end begins with, and shorter than a byte. @throws Error */
export function huffmanDecode(bytes: Uint8Array): string {
  const out: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = code * 2 + ((byte >> bit) & 1);
      length += 1;
      const symbol = SYMBOLS.get(`${length}:${code}`);
      if (symbol === undefined) continue;
      if (symbol === END_OF_STRING) throw new Error('the end of a string is written out');
      out.push(symbol);
      code = 0;
      length = 0;
    }
  if (length > 7 || code !== 2 ** length - 1) throw new Error('wrong padding of a string');
  return Buffer.from(out).toString('latin1');
}

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────

/** §5.1: a number behind the bits of `first`, in a prefix of `bits`. */
export function encodeInteger(value: number, bits: number, first = 0): Buffer {
  const limit = 2 ** bits - 1;
  if (value < limit) return Buffer.from([first | value]);
  const bytes = [first | limit];
  let rest = value - limit;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** §5.2, without Huffman. */
export function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([encodeInteger(bytes.length, 7), bytes]);
}

/** §6.2: kept in the peer's table or not; `name` may be the number of an entry. */
export function literal(name: string | number, value: string, isKept = false): Buffer {
  const [bits, first] = isKept ? [6, 0x40] : [4, 0x00];
  const nameBytes =
    typeof name === 'number'
      ? encodeInteger(name, bits, first)
      : Buffer.concat([Buffer.from([first]), encodeString(name)]);
  return Buffer.concat([nameBytes, encodeString(value)]);
}

/** §6.1. */
export function indexed(index: number): Buffer {
  return encodeInteger(index, 7, 0x80);
}

/** §6.3. */
export function tableSizeUpdate(size: number): Buffer {
  return encodeInteger(size, 5, 0x20);
}

export function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => {
      const entry =
        name === ':status' ? STATIC_TABLE.findIndex(([n, v]) => n === name && v === value) + 1 : 0;
      return entry > 0 ? indexed(entry) : literal(name, value);
    }),
  );
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────

/** §4: an entry costs its bytes and 32 more. */
const ENTRY_OVERHEAD_BYTES = 32;

export class PlainHpackDecoder {
  readonly #entries: Field[] = [];
  #size = 0;
  #maxSize: number;
  /** What this side has allowed: SETTINGS_HEADER_TABLE_SIZE. */
  allowedSize: number;

  constructor(allowedSize = 4_096) {
    this.allowedSize = allowedSize;
    this.#maxSize = allowedSize;
  }

  /** The dynamic table, newest first. */
  get entries(): readonly Field[] {
    return this.#entries;
  }

  /** What the dynamic table holds, as §4.1 counts. */
  get size(): number {
    return this.#size;
  }

  /** One whole block. @throws Error for what RFC 7541 does not allow. */
  decode(block: Uint8Array): Field[] {
    const reader = new BlockReader(Buffer.from(block));
    const fields: Field[] = [];
    if (this.#maxSize > this.allowedSize && (reader.peek() & 0xe0) !== 0x20)
      throw new Error('a block that does not say that its table has become smaller (§4.2)');
    while (!reader.isAtEnd) {
      const first = reader.peek();
      if (first & 0x80) fields.push(this.#entry(reader.integer(7)));
      else if (first & 0x40) {
        const field = this.#literal(reader, 6);
        this.#keep(field);
        fields.push(field);
      } else if (first & 0x20) this.#resize(reader.integer(5), fields.length);
      else fields.push(this.#literal(reader, 4));
    }
    return fields;
  }

  #literal(reader: BlockReader, bits: number): Field {
    const index = reader.integer(bits);
    const name = index === 0 ? reader.string() : this.#entry(index)[0];
    return [name, reader.string()];
  }

  #entry(index: number): Field {
    const field =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#entries[index - STATIC_TABLE.length - 1];
    if (field === undefined) throw new Error(`no entry ${index} in the table`);
    return field;
  }

  #keep(field: Field): void {
    this.#entries.unshift(field);
    this.#size += sizeOf(field);
    this.#evict();
  }

  #resize(size: number, fieldsBefore: number): void {
    if (fieldsBefore > 0) throw new Error('a table size update behind a field');
    if (size > this.allowedSize) throw new Error(`a table of ${size} bytes is more than allowed`);
    this.#maxSize = size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#maxSize) this.#size -= sizeOf(this.#entries.pop()!);
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + ENTRY_OVERHEAD_BYTES;
}

class BlockReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    return this.#bytes.readUInt8(this.#at);
  }

  integer(bits: number): number {
    const limit = 2 ** bits - 1;
    let value = this.#byte() & limit;
    if (value < limit) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new Error('a number too large to count');
      if ((byte & 0x80) === 0) return value;
    }
  }

  string(): string {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    if (this.#at + length > this.#bytes.length) throw new Error('a string longer than its block');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return isHuffman ? huffmanDecode(bytes) : bytes.toString('latin1');
  }

  #byte(): number {
    if (this.isAtEnd) throw new Error('a block that ends in the middle of a number');
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}

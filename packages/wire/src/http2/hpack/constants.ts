/** The numbers of HPACK: those of RFC 7541, and those of how this code works, measured. */
export const HPACK = Object.freeze({
  /** What an entry counts for beside its name and value (RFC 7541 §4.1). */
  entryOverheadBytes: 32,
  /** SETTINGS_HEADER_TABLE_SIZE before a peer says anything (RFC 9113 §6.5.2). */
  initialTableBytes: 4_096,
  /** The reduced size and the final one; a third update in a row says nothing (RFC 7541 §4.2). */
  maxSizeUpdates: 2,
  /** Padding of a Huffman-coded string is shorter than a byte (RFC 7541 §5.2). */
  maxPaddingBits: 7,
  /** Octets of an integer behind its first: 28 bits, more than any index, length or table size has (RFC 7541 §5.1). */
  maxIntegerOctets: 4,

  /** The dynamic table's ring starts with so many places and doubles, so that an idle connection holds little. */
  ringMinPlaces: 16,
  /** Huffman-coded strings are decoded into one buffer of this size; longer ones get a buffer of their own. */
  scratchBytes: 16_384,
  /** Octets of a literal that is remembered: a date has 22 or 29, with Huffman and without. */
  memoOctets: 40,
  /** Places for values of a connection: one for each name of the static table, which others share. A power of two … */
  valueSlots: 64,
  /** … and for names, of all connections: the same. */
  nameSlots: 512,
  /** A connection that has sent so many literals goes on, and is worth the 3 KB that its values take. */
  memoAfterLiterals: 64,
  /** So many literals of a slot are kept without one of them coming again. Behind them, as many of each 256 are. */
  memoPatience: 4,
  /** An entry larger than this part of the table would drive out too many others. */
  maxTablePart: 0.25,
  /** Names that an encoder remembers: a peer of a proxy can make up any number. */
  maxKnownNames: 256,
  /** A longer one is not remembered: no usual name is longer. */
  maxKnownNameLength: 64,
  /** Values of one name that an encoder remembers as being in the table. */
  maxValuesPerName: 8,
  /** A short cookie can be guessed by its length in the table's compression: it is never indexed (RFC 7541 §7.1.3). */
  minIndexedCookieLength: 20,
});

/** One field as HPACK has it: an entry of a table, or a literal that was in none. */
import { HPACK } from './constants.js';

/**
 * Name and value are Latin-1 text and nothing else is known of them: the rules of HTTP are for who takes the fields.
 * What that finds out is kept in the notes, with the entry of the table, so that a field that comes again by its index is not
 * judged again. Entries of the static table are shared by all connections: a note must follow from name and value alone.
 */
export class HpackField {
  readonly name: string;
  readonly value: string;
  /** As the table and SETTINGS_MAX_HEADER_LIST_SIZE count (RFC 7541 §4.1, RFC 9113 §6.5.2). */
  readonly size: number;
  /** Of the name. A literal whose name is indexed begins with that of the entry. 0: not judged yet. */
  nameNote: number;
  /** Of the whole field. 0: not judged yet. */
  note = 0;

  constructor(name: string, value: string, nameNote: number) {
    this.name = name;
    this.value = value;
    this.size = name.length + value.length + HPACK.entryOverheadBytes;
    this.nameNote = nameNote;
  }
}

/** One field as an entry of a table: what it says, and what is known of it once and for all. */
import { nameKind, withValue } from '../field-kind.js';
import { HPACK } from './constants.js';

export class HpackField {
  readonly name: string;
  readonly value: string;
  /** As the table and SETTINGS_MAX_HEADER_LIST_SIZE count (RFC 7541 §4.1, RFC 9113 §6.5.2). */
  readonly size: number;
  /** Of the name alone: a literal whose name is indexed need not be looked at again. See field-kind.ts. */
  readonly nameKind: number;
  /** Of the whole field. */
  readonly kind: number;
  /** Where the last value of its name is remembered (literal-memo.ts). */
  readonly slot: number;

  constructor(name: string, value: string, kindOfName: number, slot: number) {
    this.name = name;
    this.value = value;
    this.size = fieldSize(name, value);
    this.nameKind = kindOfName;
    this.kind = withValue(kindOfName, value);
    this.slot = slot;
  }

  static of(name: string, value: string, slot: number): HpackField {
    return new HpackField(name, value, nameKind(name), slot);
  }
}

export function fieldSize(name: string, value: string): number {
  return name.length + value.length + HPACK.entryOverheadBytes;
}

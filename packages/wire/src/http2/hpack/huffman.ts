/**
 * Huffman-coded strings (RFC 7541 §5.2), by table.
 *
 * Decoding: each inner node of the code's tree is a state, 256 in all; a step takes four bits of the input and says the next
 * state, and the octet that came out on the way, if any: the shortest code has five bits. Where the string ends, the state must be
 * the root, or a node that is reached from it by one to seven ones: that is the padding.
 */
import { WireError } from '../../wire-error.js';
import { HPACK } from './constants.js';
import { CODE_LENGTHS, CODES, EOS } from './huffman-code.js';

/** A step: the next state in the low 8 bits, the octet in the next 8. */
const EMITS = 0x10000;
const FAILS = 0x20000;
const ROOT = 0;

/** Inner nodes in pairs: what follows on 0 and on 1: a state, or −1 − symbol. */
const TREE = tree();
/** By state × 16 + four bits. */
const STEPS = steps();
/** 1 for the states in which a string may end. */
const ENDS = ends();

/** Bytes that a string of `length` coded octets has at most when it is decoded. */
export function maxDecodedLength(length: number): number {
  return Math.floor((length * 8) / 5);
}

/** Decodes into `into` from `at` on, where `maxDecodedLength` bytes must be free. Returns the end. @throws WireError */
export function decodeHuffman(
  bytes: Buffer,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  let state = ROOT;
  let to = at;
  for (let i = start; i < end; i += 1) {
    const octet = bytes[i] ?? 0;
    const high = STEPS[(state << 4) | (octet >> 4)] ?? FAILS;
    if ((high & EMITS) !== 0) {
      into[to] = (high >> 8) & 0xff;
      to += 1;
    }
    const low = STEPS[((high & 0xff) << 4) | (octet & 0xf)] ?? FAILS;
    if ((low & EMITS) !== 0) {
      into[to] = (low >> 8) & 0xff;
      to += 1;
    }
    if (((high | low) & FAILS) !== 0)
      throw new WireError('hpack-string', 'a Huffman-coded string with the end symbol in it');
    state = low & 0xff;
  }
  if (ENDS[state] !== 1)
    throw new WireError('hpack-string', 'a Huffman-coded string with wrong padding');
  return to;
}

/** The length of Latin-1 text in coded octets. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i += 1) bits += CODE_LENGTHS[text.charCodeAt(i)] ?? 0;
  return Math.ceil(bits / 8);
}

/** Writes Latin-1 text, `huffmanLength` octets, and returns the end. */
export function encodeHuffman(text: string, into: Uint8Array, at: number): number {
  let to = at;
  /** The bits that are due, fewer than 8 between two symbols; a code of 30 comes in two parts. */
  let bits = 0;
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const symbol = text.charCodeAt(i);
    let code = CODES[symbol] ?? 0;
    let length = CODE_LENGTHS[symbol] ?? 0;
    if (length > 16) {
      const rest = length - 16;
      bits = (bits << 16) | (code >>> rest);
      count += 16;
      while (count >= 8) {
        count -= 8;
        into[to] = bits >>> count;
        to += 1;
      }
      code &= (1 << rest) - 1;
      length = rest;
    }
    bits = (bits << length) | code;
    count += length;
    while (count >= 8) {
      count -= 8;
      into[to] = bits >>> count;
      to += 1;
    }
    bits &= 0xff;
  }
  if (count > 0) {
    into[to] = (bits << (8 - count)) | (0xff >> count);
    to += 1;
  }
  return to;
}

function tree(): Int16Array {
  const nodes: number[] = [0, 0];
  for (let symbol = 0; symbol < CODE_LENGTHS.length; symbol += 1) {
    const code = CODES[symbol] ?? 0;
    const length = CODE_LENGTHS[symbol] ?? 0;
    let node = ROOT;
    for (let bit = length - 1; bit > 0; bit -= 1) {
      const place = node * 2 + ((code >>> bit) & 1);
      // 0 is the root, which follows on nothing: no node is here yet.
      if (nodes[place] === 0) {
        nodes[place] = nodes.length / 2;
        nodes.push(0, 0);
      }
      node = nodes[place] ?? 0;
    }
    nodes[node * 2 + (code & 1)] = -1 - symbol;
  }
  return Int16Array.from(nodes);
}

function steps(): Uint32Array {
  const table = new Uint32Array(TREE.length * 8);
  for (let state = 0; state * 2 < TREE.length; state += 1)
    for (let bits = 0; bits < 16; bits += 1) table[(state << 4) | bits] = stepOf(state, bits);
  return table;
}

function stepOf(state: number, bits: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const next = TREE[node * 2 + ((bits >> bit) & 1)] ?? 0;
    if (next === -1 - EOS) return FAILS;
    if (next < 0) emitted = EMITS | ((-1 - next) << 8);
    node = next < 0 ? ROOT : next;
  }
  return emitted | node;
}

function ends(): Uint8Array {
  const table = new Uint8Array(TREE.length / 2);
  let node = ROOT;
  for (let ones = 0; ones <= HPACK.maxPaddingBits; ones += 1) {
    table[node] = 1;
    node = TREE[node * 2 + 1] ?? 0;
  }
  return table;
}

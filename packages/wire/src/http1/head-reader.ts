/**
 * Collects a head, or a trailer section: a start line if there is one, field lines, an empty line. What the start
 * line and the fields mean is for the handler of its role (response-head.ts, request-head.ts).
 *
 * Incremental: bytes come in any pieces. A head that arrives whole, which is nearly all of them, is parsed where
 * it lies; otherwise its pieces are collected, and a line is looked at again only once its end has come. Bounded:
 * line, count and total. What is said of a head does not depend on where the network cut it.
 *
 * The head becomes one string and a list of offsets; names and values are cut out when asked for.
 */
import { CONSTANTS } from '../constants.js';
import { LF } from '../grammar/index.js';
import type { FieldSection } from '../head.js';
import { latin1 } from '../latin1.js';
import type { HeadLimits } from '../limits.js';
import { WireError } from '../wire-error.js';
import { FieldList } from './fields.js';
import { INCOMPLETE } from './lines.js';

/** What one role makes of a head. All offsets given to it are places in `data`. */
export interface HeadHandler<Head extends FieldSection> {
  /** A bit for each length of a name that `noteField` knows: it need not be called for others. */
  readonly notedLengths: number;
  reset(): void;
  /** The index after the start line, or `INCOMPLETE`. */
  parseStartLine(data: Buffer, start: number, end: number, origin: number): number;
  startLineTooLong(limits: HeadLimits): Error;
  /** A field of the head. */
  noteField(data: Buffer, name: number, nameEnd: number, value: number, valueEnd: number): void;
  /** A field of a trailer section. */
  noteTrailer(data: Buffer, name: number, nameEnd: number): void;
  finish(text: string, offsets: readonly number[]): Head;
}

export class HeadReader<Head extends FieldSection> {
  readonly #handler: HeadHandler<Head>;
  readonly #limits: HeadLimits;
  #maxBytes = 0;
  #isHead = true;
  #pending: Buffer = EMPTY;
  #pendingLength = 0;
  /** Start of the line under way, and how far it was searched for its end. */
  #lineStart = 0;
  #searched = 0;
  #isFirstLine = true;
  readonly #fields = new FieldList();
  /** The last head read whole. */
  head: Head | undefined = undefined;
  /** The same, of a trailer section. */
  trailers: FieldSection | undefined = undefined;

  constructor(handler: HeadHandler<Head>, limits: HeadLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Makes it ready for a new head (`true`) or a trailer section. */
  reset(isHead: boolean): void {
    this.#isHead = isHead;
    this.#maxBytes = isHead ? this.#limits.maxHeadBytes : this.#limits.maxTrailerBytes;
    this.#pendingLength = 0;
    this.#lineStart = 0;
    this.#searched = 0;
    this.#isFirstLine = isHead;
    this.#fields.length = 0;
    if (isHead) this.#handler.reset();
    this.head = undefined;
    this.trailers = undefined;
  }

  /** Keeps no text of the last message: an idle connection has no use for it. */
  forget(): void {
    this.head = undefined;
    this.trailers = undefined;
  }

  /**
   * Takes bytes from `start` on. Returns the index after the head, with `head` or `trailers` set, or −1 when all
   * bytes were taken and more are needed.
   *
   * @throws WireError
   */
  feed(bytes: Buffer, start: number): number {
    if (this.#pendingLength === 0) {
      const end = this.#parse(bytes, start, bytes.length);
      if (end === INCOMPLETE) this.#keep(bytes, start);
      return end;
    }
    const had = this.#pendingLength;
    this.#keep(bytes, start);
    // Without the end of a line there is nothing new to see: a head dripped byte by byte stays cheap.
    const hasLine =
      this.#pending.subarray(0, this.#pendingLength).indexOf(LF, this.#searched) !== -1;
    this.#searched = this.#pendingLength;
    if (!hasLine && !this.#isTooLong(this.#pendingLength)) return INCOMPLETE;
    const end = this.#parse(this.#pending, 0, this.#pendingLength);
    return end === INCOMPLETE ? INCOMPLETE : start + end - had;
  }

  /**
   * No more bytes come. A line that was wrong before its end is told here, if it came in pieces.
   *
   * @throws WireError
   */
  checkOpenLine(): void {
    if (this.#pendingLength > 0) this.#parse(this.#pending, 0, this.#pendingLength);
  }

  /** Copies what came, up to one byte more than a head may have. */
  #keep(bytes: Buffer, start: number): void {
    const length = Math.min(bytes.length - start, this.#maxBytes + 1 - this.#pendingLength);
    const needed = this.#pendingLength + length;
    if (this.#pending.length < needed) {
      const larger = Buffer.allocUnsafeSlow(Math.max(CONSTANTS.headBufferMinBytes, needed * 2));
      this.#pending.copy(larger, 0, 0, this.#pendingLength);
      this.#pending = larger;
    }
    bytes.copy(this.#pending, this.#pendingLength, start, start + length);
    this.#pendingLength = needed;
    this.#searched = Math.max(this.#searched, this.#lineStart);
  }

  /** `#lineStart` counts from the head's first byte, which is at `origin` of `data`. */
  #parse(data: Buffer, origin: number, end: number): number {
    const { maxLineBytes } = this.#limits;
    // No byte beyond a limit is looked at: which error it is must not depend on how much came at once.
    const last = Math.min(end, origin + this.#maxBytes);
    let position = origin + this.#lineStart;
    for (;;) {
      const lineLast = Math.min(last, position + maxLineBytes);
      const next = this.#isFirstLine
        ? this.#handler.parseStartLine(data, position, lineLast, origin)
        : this.#parseField(data, position, lineLast, origin);
      if (next === INCOMPLETE) {
        if (this.#isTooLong(end - origin)) throw this.#tooLong(end - origin);
        return INCOMPLETE;
      }
      const isEmptyLine = !this.#isFirstLine && next - position === 2;
      this.#isFirstLine = false;
      position = next;
      this.#lineStart = next - origin;
      if (isEmptyLine) {
        this.#finish(data, origin, next);
        return next;
      }
    }
  }

  #parseField(data: Buffer, start: number, end: number, origin: number): number {
    const fields = this.#fields;
    const at = fields.length;
    const next = fields.parseLine(data, start, end, origin);
    if (fields.length === at) return next;
    const { maxHeaderCount } = this.#limits;
    if (fields.length > maxHeaderCount * 4)
      throw new WireError('too-many-fields', `more than ${maxHeaderCount} header fields`);
    if (this.#isHead) {
      const { offsets } = fields;
      const nameEnd = origin + (offsets[at + 1] ?? 0);
      // Most fields frame nothing, and nearly all of them are known by the length of their names.
      if (((this.#handler.notedLengths >>> (nameEnd - start)) & 1) === 0) return next;
      const value = origin + (offsets[at + 2] ?? 0);
      this.#handler.noteField(data, start, nameEnd, value, origin + (offsets[at + 3] ?? 0));
    } else this.#handler.noteTrailer(data, start, origin + (fields.offsets[at + 1] ?? 0));
    return next;
  }

  #isTooLong(length: number): boolean {
    return length - this.#lineStart > this.#limits.maxLineBytes || length > this.#maxBytes;
  }

  #tooLong(length: number): Error {
    const { maxLineBytes } = this.#limits;
    // The limit that a head dripped byte by byte would meet first.
    if (Math.min(length, this.#maxBytes + 1) - this.#lineStart <= maxLineBytes)
      return new WireError(
        'head-too-large',
        `a head or trailer larger than ${this.#maxBytes} bytes`,
      );
    if (this.#isFirstLine) return this.#handler.startLineTooLong(this.#limits);
    return lineTooLong(maxLineBytes);
  }

  #finish(data: Buffer, origin: number, end: number): void {
    const text = latin1(data, origin, end);
    const offsets = this.#fields.offsets.slice(0, this.#fields.length);
    if (this.#isHead) this.head = this.#handler.finish(text, offsets);
    else this.trailers = { text, offsets };
    this.#pendingLength = 0;
    // A head of unusual size should not hold its memory for the connection's life.
    if (this.#pending.length > CONSTANTS.headBufferKeptBytes) this.#pending = EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);

export function lineTooLong(maxLineBytes: number): Error {
  return new WireError('line-too-long', `a line longer than ${maxLineBytes} bytes`);
}

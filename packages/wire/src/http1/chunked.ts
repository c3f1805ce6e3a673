/**
 * Decodes the chunked transfer coding (RFC 9112 §7.1), strictly: a size is hexadecimal digits and
 * nothing else, every line ends in CR LF, extensions are bounded (chunk-extension.ts). The trailer section is
 * left to the head reader.
 *
 *   size ─▶ (blanks ─▶ extension) ─▶ CR LF ─▶ data … CR LF ─▶ size …        size 0 ─▶ trailers
 */
import { CONSTANTS } from '../constants.js';
import { CR, HEX_VALUE, HTAB, LF, NO_DIGIT, SEMICOLON, SP } from '../grammar/index.js';
import type { ChunkLimits } from '../limits.js';
import { WireError } from '../wire-error.js';
import { nextExtensionState, type ExtensionState } from './chunk-extension.js';

const enum State {
  Size,
  /** Blanks after a size: they must lead to a semicolon. */
  Blanks,
  Extension,
  SizeLf,
  Data,
  DataCr,
  DataLf,
  Done,
}

const MAX_CHUNK_BYTES = Number.MAX_SAFE_INTEGER;

export class ChunkedDecoder {
  readonly #limits: ChunkLimits;
  readonly #isStrict: boolean;
  #state: State = State.Size;
  #size = 0;
  #digits = 0;
  #extension: ExtensionState = 'skipped';
  #extensionBytes = 0;
  #totalExtensionBytes = 0;
  #totalDataBytes = 0;
  /** Where the data of this feed lies in its bytes. */
  #dataStart = 0;
  #dataEnd = 0;

  /** `isStrict`: extensions are checked by their grammar, not skipped, and no blank stands before them. */
  constructor(limits: ChunkLimits, isStrict: boolean) {
    this.#limits = limits;
    this.#isStrict = isStrict;
  }

  reset(): void {
    this.#state = State.Size;
    this.#size = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#totalExtensionBytes = 0;
    this.#totalDataBytes = 0;
  }

  /** The last chunk has been read; what follows is the trailer section. */
  get isDone(): boolean {
    return this.#state === State.Done;
  }

  /**
   * Takes bytes from `start` on and hands their data to `onData`, once: however small the chunks are,
   * one read gives one piece. To that end the data of later chunks is moved up to that of the first,
   * within `bytes`, over framing that was read. Returns the index of the first byte it did not take:
   * the end, or where the trailer section starts.
   */
  feed(
    bytes: Buffer,
    start: number,
    onData: (bytes: Buffer, start: number, end: number) => void,
  ): number {
    this.#dataStart = 0;
    this.#dataEnd = 0;
    try {
      return this.#scan(bytes, start);
    } finally {
      // Also before an error: what came ahead of it is part of the body.
      if (this.#dataEnd > this.#dataStart) onData(bytes, this.#dataStart, this.#dataEnd);
    }
  }

  #scan(bytes: Buffer, start: number): number {
    const end = bytes.length;
    let i = start;
    // In variables of this function while it runs: small chunks are mostly framing.
    let state = this.#state;
    let size = this.#size;
    const { maxChunkSizeDigits } = this.#limits;
    while (i < end && state !== State.Done) {
      if (state === State.Data) {
        const length = Math.min(size, end - i);
        this.#gather(bytes, i, length);
        size -= length;
        i += length;
        if (size === 0) state = State.DataCr;
        continue;
      }
      const byte = bytes[i] ?? 0;
      i += 1;
      switch (state) {
        case State.Size: {
          const value = HEX_VALUE[byte] ?? NO_DIGIT;
          if (value === NO_DIGIT) state = this.#endSize(byte, bytes, i - 1);
          else {
            this.#digits += 1;
            size = size * 16 + value;
            if (this.#digits > maxChunkSizeDigits || size > MAX_CHUNK_BYTES)
              throw new WireError('chunk-too-large', 'a chunk size overflows');
          }
          break;
        }
        case State.Blanks:
          state = this.#readBlank(byte, bytes, i - 1);
          break;
        case State.Extension:
          state = this.#readExtension(byte);
          break;
        case State.SizeLf:
          if (byte !== LF) throw bareCr();
          state = size === 0 ? State.Done : State.Data;
          break;
        case State.DataCr:
          if (byte !== CR) throw new WireError('chunk-size', 'a chunk is longer than its size');
          state = State.DataLf;
          break;
        case State.DataLf:
          if (byte !== LF) throw bareCr();
          state = State.Size;
          this.#digits = 0;
      }
    }
    this.#state = state;
    this.#size = size;
    return i;
  }

  /** Adds a range to the data of this feed. It never lies before what was gathered: framing is between them. */
  #gather(bytes: Buffer, start: number, length: number): void {
    this.#totalDataBytes += length;
    const to = this.#dataEnd;
    if (to === this.#dataStart) {
      this.#dataStart = start;
      this.#dataEnd = start + length;
      return;
    }
    this.#dataEnd = to + length;
    if (length >= CONSTANTS.moveByCallMinBytes) bytes.copyWithin(to, start, start + length);
    else for (let i = 0; i < length; i += 1) bytes[to + i] = bytes[start + i] ?? 0;
  }

  /** What follows the digits of a size. */
  #endSize(byte: number, bytes: Buffer, at: number): State {
    if (this.#digits === 0) throw badSize(bytes, at);
    this.#extensionBytes = 0;
    if (byte === CR) return State.SizeLf;
    this.#countExtensionByte();
    this.#extension = this.#isStrict ? 'name' : 'skipped';
    if (byte === SEMICOLON) return State.Extension;
    if ((byte === SP || byte === HTAB) && !this.#isStrict) return State.Blanks;
    throw badSize(bytes, Math.max(0, at - this.#digits));
  }

  #readBlank(byte: number, bytes: Buffer, at: number): State {
    if (byte !== SEMICOLON && byte !== SP && byte !== HTAB) throw badSize(bytes, at);
    this.#countExtensionByte();
    return byte === SEMICOLON ? State.Extension : State.Blanks;
  }

  #readExtension(byte: number): State {
    const next = nextExtensionState(this.#extension, byte);
    if (next === undefined) return State.SizeLf;
    this.#extension = next;
    this.#countExtensionByte();
    return State.Extension;
  }

  /** Blanks count too, and many small extensions are as good an attack as a long one (CVE-2023-39326). */
  #countExtensionByte(): void {
    this.#extensionBytes += 1;
    this.#totalExtensionBytes += 1;
    const { maxChunkExtensionBytes, chunkExtensionAllowanceBytes } = this.#limits;
    if (
      this.#extensionBytes > maxChunkExtensionBytes ||
      this.#totalExtensionBytes > this.#totalDataBytes * 2 + chunkExtensionAllowanceBytes
    )
      throw tooLong(maxChunkExtensionBytes);
  }
}

/** Shown from where it is wrong, with the digits before it that came with it. */
function badSize(bytes: Buffer, start: number): Error {
  return new WireError('chunk-size', 'a bad chunk size', { bytes, start, end: bytes.length });
}

function bareCr(): Error {
  return new WireError('chunk-line-end', 'a bare CR in the chunked framing');
}

function tooLong(maxChunkExtensionBytes: number): Error {
  return new WireError(
    'chunk-extension-too-long',
    `chunk extensions longer than ${maxChunkExtensionBytes} bytes`,
  );
}

/**
 * Decodes the chunked transfer coding (RFC 9112 §7.1), strictly: a size is hexadecimal digits and
 * nothing else, every line ends in CR LF, extensions are skipped and bounded. The trailer section is
 * left to the head parser.
 *
 *   size ─▶ (blanks ─▶ extension) ─▶ CR LF ─▶ data … CR LF ─▶ size …        size 0 ─▶ trailers
 */
import { CONSTANTS } from '../../config/defaults.js';
import { CR, FIELD_TEXT, HEX_VALUE, HTAB, LF, SEMICOLON, SP } from './bytes.js';
import { protocolError } from './protocol-error.js';

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

/** Leading zeros are legal, and a flood of them is not. */
const MAX_SIZE_DIGITS = 64;
const MAX_CHUNK_BYTES = Number.MAX_SAFE_INTEGER;
/** What all extensions of a body may take beyond twice its data. */
const EXTENSION_ALLOWANCE_BYTES = 262_144;

export class ChunkedDecoder {
  #state: State = State.Size;
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #totalExtensionBytes = 0;
  #totalDataBytes = 0;

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
   * Takes bytes from `start` on and hands ranges of data to `onData`. Returns the index of the first
   * byte it did not take: the end, or where the trailer section starts.
   */
  feed(
    bytes: Buffer,
    start: number,
    onData: (bytes: Buffer, start: number, end: number) => void,
  ): number {
    let i = start;
    const end = bytes.length;
    while (i < end) {
      const byte = bytes[i] ?? 0;
      switch (this.#state) {
        case State.Size:
          this.#readSize(byte);
          i += 1;
          break;
        case State.Blanks:
          this.#readBlank(byte);
          i += 1;
          break;
        case State.Extension:
          this.#readExtension(byte);
          i += 1;
          break;
        case State.SizeLf:
          if (byte !== LF) throw bareCr();
          this.#state = this.#size === 0 ? State.Done : State.Data;
          i += 1;
          if (this.isDone) return i;
          break;
        case State.Data: {
          const length = Math.min(this.#size, end - i);
          onData(bytes, i, i + length);
          this.#size -= length;
          this.#totalDataBytes += length;
          i += length;
          if (this.#size === 0) this.#state = State.DataCr;
          break;
        }
        case State.DataCr:
          if (byte !== CR) throw protocolError('a chunk is longer than its size', 'RFC 9112 §7.1');
          this.#state = State.DataLf;
          i += 1;
          break;
        case State.DataLf:
          if (byte !== LF) throw bareCr();
          this.#state = State.Size;
          this.#digits = 0;
          i += 1;
          break;
        case State.Done:
          return i;
      }
    }
    return i;
  }

  #readSize(byte: number): void {
    const value = HEX_VALUE[byte] ?? 255;
    if (value !== 255) {
      this.#digits += 1;
      this.#size = this.#size * 16 + value;
      if (this.#digits > MAX_SIZE_DIGITS || this.#size > MAX_CHUNK_BYTES)
        throw protocolError('a chunk size overflows', 'RFC 9112 §7.1');
      return;
    }
    if (this.#digits === 0) throw badSize();
    this.#extensionBytes = 0;
    if (byte === CR) this.#state = State.SizeLf;
    else if (byte === SEMICOLON) this.#state = State.Extension;
    else if (byte === SP || byte === HTAB) this.#state = State.Blanks;
    else throw badSize();
    if (byte !== CR) this.#countExtensionByte();
  }

  #readBlank(byte: number): void {
    if (byte === SEMICOLON) this.#state = State.Extension;
    else if (byte !== SP && byte !== HTAB) throw badSize();
    this.#countExtensionByte();
  }

  /** Skipped, not understood: `BWS ";" …` up to the end of the line (RFC 9112 §7.1.1). */
  #readExtension(byte: number): void {
    if (byte === CR) {
      this.#state = State.SizeLf;
      return;
    }
    if (FIELD_TEXT[byte] !== 1)
      throw protocolError('a control character in a chunk extension', 'RFC 9112 §7.1.1');
    this.#countExtensionByte();
  }

  /** Blanks count too, and many small extensions are as good an attack as a long one (CVE-2023-39326). */
  #countExtensionByte(): void {
    this.#extensionBytes += 1;
    this.#totalExtensionBytes += 1;
    if (
      this.#extensionBytes > CONSTANTS.maxChunkExtensionBytes ||
      this.#totalExtensionBytes > this.#totalDataBytes * 2 + EXTENSION_ALLOWANCE_BYTES
    )
      throw tooLong();
  }
}

function badSize(): Error {
  return protocolError('a bad chunk size', 'RFC 9112 §7.1');
}

function bareCr(): Error {
  return protocolError('a bare CR in the chunked framing', 'RFC 9112 §2.2');
}

function tooLong(): Error {
  return protocolError(
    `chunk extensions longer than ${CONSTANTS.maxChunkExtensionBytes} bytes`,
    'our bound',
  );
}

/** What the head of a response says: its status line, and the fields that decide where it ends and what may follow. */
import type { ResponseHead } from '../head.js';
import { latin1 } from '../latin1.js';
import type { HeadLimits } from '../limits.js';
import {
  connectionOptions,
  foldedLength,
  isNamed,
  joinedCodings,
  SAYS_CLOSE,
  SAYS_KEEP_ALIVE,
} from './fields.js';
import { lineTooLong, type HeadHandler } from './head-reader.js';
import { REASON_START, StatusLine } from './start-line.js';

export class ResponseHeadHandler implements HeadHandler<ResponseHead> {
  readonly notedLengths = (1 << 10) | (1 << 14) | (1 << 16) | (1 << 17);
  readonly #line = new StatusLine();
  #contentLength = -1;
  #transferEncoding = '';
  /** Bits, see `connectionOptions`. */
  #connection = 0;
  #keepAlive = '';
  #isEncoded = false;

  reset(): void {
    this.#contentLength = -1;
    this.#transferEncoding = '';
    this.#connection = 0;
    this.#keepAlive = '';
    this.#isEncoded = false;
  }

  parseStartLine(data: Buffer, start: number, end: number, origin: number): number {
    return this.#line.parse(data, start, end, origin);
  }

  startLineTooLong({ maxLineBytes }: HeadLimits): Error {
    return lineTooLong(maxLineBytes);
  }

  noteField(data: Buffer, name: number, nameEnd: number, value: number, valueEnd: number): void {
    switch (nameEnd - name) {
      case 10:
        if (isNamed(data, name, 'connection'))
          this.#connection |= connectionOptions(data, value, valueEnd);
        else if (isNamed(data, name, 'keep-alive')) this.#keepAlive = latin1(data, value, valueEnd);
        return;
      case 14:
        if (isNamed(data, name, 'content-length'))
          this.#contentLength = foldedLength(data, value, valueEnd, this.#contentLength);
        return;
      case 16:
        if (isNamed(data, name, 'content-encoding')) this.#isEncoded = true;
        return;
      case 17:
        if (isNamed(data, name, 'transfer-encoding'))
          this.#transferEncoding = joinedCodings(data, value, valueEnd, this.#transferEncoding);
    }
  }

  /** Whatever it is called, it frames nothing (RFC 9110 §6.5). */
  noteTrailer(): void {}

  finish(text: string, offsets: readonly number[]): ResponseHead {
    return {
      text,
      offsets,
      status: this.#line.status,
      minorVersion: this.#line.minorVersion,
      reasonStart: REASON_START,
      reasonEnd: this.#line.reasonEnd,
      // Chunks outrank a length (RFC 9112 §6.3).
      bodyLength: this.#transferEncoding === '' ? this.#contentLength : -1,
      contentLength: this.#contentLength,
      transferEncoding: this.#transferEncoding,
      saysClose: (this.#connection & SAYS_CLOSE) !== 0,
      saysKeepAlive: (this.#connection & SAYS_KEEP_ALIVE) !== 0,
      keepAlive: this.#keepAlive,
      isEncoded: this.#isEncoded,
    };
  }
}

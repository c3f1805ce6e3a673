/**
 * What the head of a request says: its request line, the fields that decide where it ends and what may follow, and
 * the host it is for. Strict, because a request that is read otherwise by another machine on the way is an attack
 * (RFC 9112 §11.2): one `Host`, one `Content-Length`, no doubt about the codings.
 */
import { HTAB, isHost } from '../grammar/index.js';
import type { RequestHead } from '../head.js';
import { latin1 } from '../latin1.js';
import type { HeadLimits, RequestLimits } from '../limits.js';
import { WireError } from '../wire-error.js';
import {
  connectionOptions,
  isNamed,
  isOption,
  joinedCodings,
  SAYS_CLOSE,
  SAYS_KEEP_ALIVE,
  SAYS_UPGRADE,
  soleLength,
} from './fields.js';
import { isPersistent } from './framing.js';
import { type HeadHandler } from './head-reader.js';
import { isBlank } from './lines.js';
import { RequestLine } from './start-line.js';

export class RequestHeadHandler implements HeadHandler<RequestHead> {
  readonly notedLengths = (1 << 4) | (1 << 6) | (1 << 7) | (1 << 10) | (1 << 14) | (1 << 17);
  readonly #line: RequestLine;
  #contentLength = -1;
  #transferEncoding = '';
  /** Bits, see `connectionOptions`. */
  #connection = 0;
  /** `undefined` when there is none. */
  #host: string | undefined = undefined;
  #expectsContinue = false;
  #upgrade = '';

  constructor({ maxTargetBytes }: RequestLimits) {
    this.#line = new RequestLine(maxTargetBytes);
  }

  reset(): void {
    this.#contentLength = -1;
    this.#transferEncoding = '';
    this.#connection = 0;
    this.#host = undefined;
    this.#expectsContinue = false;
    this.#upgrade = '';
  }

  parseStartLine(data: Buffer, start: number, end: number, origin: number): number {
    return this.#line.parse(data, start, end, origin);
  }

  startLineTooLong({ maxLineBytes }: HeadLimits): Error {
    return this.#line.tooLong(maxLineBytes);
  }

  noteField(data: Buffer, name: number, nameEnd: number, value: number, valueEnd: number): void {
    switch (nameEnd - name) {
      case 4:
        if (isNamed(data, name, 'host')) this.#noteHost(latin1(data, value, valueEnd));
        return;
      case 6:
        if (isNamed(data, name, 'expect') && isOption(data, value, valueEnd, '100-continue'))
          this.#expectsContinue = true;
        return;
      case 7:
        if (isNamed(data, name, 'upgrade')) {
          const protocols = latin1(data, value, valueEnd);
          this.#upgrade = this.#upgrade === '' ? protocols : `${this.#upgrade}, ${protocols}`;
        }
        return;
      case 10:
        if (isNamed(data, name, 'connection'))
          this.#connection |= connectionOptions(data, value, valueEnd);
        return;
      case 14:
        if (!isNamed(data, name, CONTENT_LENGTH)) return;
        refuseTab(data, valueEnd, 'content-length');
        this.#contentLength = soleLength(data, value, valueEnd, this.#contentLength);
        return;
      case 17:
        if (!isNamed(data, name, TRANSFER_ENCODING)) return;
        refuseTab(data, valueEnd, 'transfer-encoding');
        this.#transferEncoding = joinedCodings(data, value, valueEnd, this.#transferEncoding);
    }
  }

  /**
   * A length, a coding or `Connection` among the trailers is not for us; another machine on the way may take it at its
   * word: llhttp reads `close` there, and refuses the request that follows.
   */
  noteTrailer(data: Buffer, name: number, nameEnd: number): void {
    for (const field of NO_TRAILERS)
      if (nameEnd - name === field.length && isNamed(data, name, field))
        throw new WireError('framing-in-trailers', `${field} among the trailers`);
  }

  finish(text: string, offsets: readonly number[]): RequestHead {
    const line = this.#line;
    const isCurrent = line.minorVersion === 1;
    if (isCurrent && this.#host === undefined) throw new WireError('host', 'no Host');
    const saysClose = (this.#connection & SAYS_CLOSE) !== 0;
    const saysKeepAlive = (this.#connection & SAYS_KEEP_ALIVE) !== 0;
    const hasBody = this.#contentLength > 0 || this.#transferEncoding !== '';
    const mayUpgrade = isCurrent && (this.#connection & SAYS_UPGRADE) !== 0;
    return {
      text,
      offsets,
      method: text.slice(0, line.methodEnd),
      target: text.slice(line.targetStart, line.targetEnd),
      form: line.form,
      // What the target says is what counts, and `Host` is ignored (RFC 9112 §3.2.2).
      authority: line.authority === '' ? (this.#host ?? '') : line.authority,
      minorVersion: line.minorVersion,
      contentLength: this.#contentLength,
      transferEncoding: this.#transferEncoding,
      keepAlive: isPersistent(line.minorVersion, saysClose, saysKeepAlive),
      expectContinue: isCurrent && this.#expectsContinue && hasBody,
      upgrade: mayUpgrade ? this.#upgrade : '',
    };
  }

  /** Exactly one, and a host: a second would be read by one machine and not by the other (RFC 9112 §3.2). */
  #noteHost(host: string): void {
    if (this.#host !== undefined) throw new WireError('host', 'Host more than once');
    if (!isHost(host)) throw new WireError('host', `Host ${JSON.stringify(host)} is no host`);
    this.#host = host;
  }
}

const CONTENT_LENGTH = 'content-length';
const TRANSFER_ENCODING = 'transfer-encoding';
/** What says where a message ends, and whether another one follows: the head alone does. */
const NO_TRAILERS = [CONTENT_LENGTH, TRANSFER_ENCODING, 'connection'] as const;

/** Blanks after a value are no part of it; llhttp takes a tab there for one, so framing with one is in doubt. */
function refuseTab(
  data: Buffer,
  valueEnd: number,
  reason: 'content-length' | 'transfer-encoding',
): void {
  for (let i = valueEnd; isBlank(data[i]); i += 1)
    if (data[i] === HTAB) throw new WireError(reason, 'a tab after a value that frames the body');
}

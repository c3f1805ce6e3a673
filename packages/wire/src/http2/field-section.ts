/**
 * Takes the fields of one block as HPACK gives them, and judges them as a message (RFC 9113 §8.2, §8.3). A block is
 * always taken to its end, because the table of HPACK goes with it: the first thing that is wrong stands in `problem`.
 */
import { isHost, isToken } from '../grammar/index.js';
import type { FieldSection } from '../head.js';
import { shownText } from '../shown-bytes.js';
import { WireError, type WireReason } from '../wire-error.js';
import { foldedLength, soleLength } from './content-length.js';
import { FieldKind } from './field-kind.js';
import { RequestFields, ResponseFields, TrailerFields } from './heads.js';
import type { FieldTaker } from './hpack/decoder.js';

export type SectionKind = 'response' | 'request' | 'trailers';

/** Of a block that has to be decoded, and says nothing to anything that is still there. */
export const UNHEARD: FieldTaker = { field() {} };

export class SectionReader implements FieldTaker {
  problem: WireError | undefined = undefined;
  /** −1 when there is none. */
  contentLength = -1;
  /** 0 when there is none. */
  status = 0;
  method: string | undefined = undefined;
  readonly #maxCount: number;
  #kind: SectionKind = 'response';
  /** Written over by each section. */
  readonly #parts: string[] = [];
  #length = 0;
  /** Has any field come that is no pseudo-field? */
  #hasRegular = false;
  #scheme: string | undefined = undefined;
  #authority: string | undefined = undefined;
  #path: string | undefined = undefined;
  #host: string | undefined = undefined;
  #isEncoded = false;
  #expectsContinue = false;
  /** Where the value of the cookie field stands; −1 for none. */
  #cookieAt = -1;

  constructor(maxHeaderCount: number) {
    this.#maxCount = maxHeaderCount;
  }

  begin(kind: SectionKind): void {
    this.#kind = kind;
    this.problem = undefined;
    this.contentLength = -1;
    this.status = 0;
    this.#length = 0;
    this.#hasRegular = false;
    this.#isEncoded = false;
    if (kind !== 'request') return;
    this.method = undefined;
    this.#scheme = undefined;
    this.#authority = undefined;
    this.#path = undefined;
    this.#host = undefined;
    this.#expectsContinue = false;
    this.#cookieAt = -1;
  }

  field(name: string, value: string, kind: number): void {
    if (kind !== FieldKind.Plain && !this.#note(name, value, kind)) return;
    this.#hasRegular = true;
    if (this.#length >= this.#maxCount * 2) {
      this.#fail('too-many-fields', `more than ${this.#maxCount} header fields`);
      return;
    }
    this.#parts[this.#length] = name;
    this.#parts[this.#length + 1] = value;
    this.#length += 2;
  }

  /** `contentLength` is how long the body is by the head: not so where a status or a method says otherwise. */
  responseHead(): ResponseFields {
    return new ResponseFields(this.#taken(), this.status, this.#isEncoded, this.contentLength);
  }

  requestHead(hasBody: boolean): RequestFields {
    return new RequestFields(
      this.#taken(),
      this.method ?? '',
      this.#scheme ?? '',
      this.#authority ?? this.#host ?? '',
      this.#path ?? '',
      this.contentLength,
      this.#expectsContinue && hasBody,
    );
  }

  trailers(): FieldSection {
    return new TrailerFields(this.#taken());
  }

  /** After the last field: what is missing, and what does not go together. */
  judge(): WireError | undefined {
    if (this.problem !== undefined) return this.problem;
    if (this.#kind === 'response') {
      if (this.status === 0) this.#fail('pseudo-field', 'a response without :status');
    } else if (this.#kind === 'request') this.#judgeRequest();
    return this.problem;
  }

  /** Of a field that is not plain. Is it to be kept as one of the message? */
  #note(name: string, value: string, kind: number): boolean {
    switch (kind) {
      case FieldKind.ContentLength:
        return this.#noteLength(value);
      case FieldKind.ContentEncoding:
        this.#isEncoded = true;
        return true;
      case FieldKind.Host:
        if (this.#kind === 'request') this.#noteHost(value);
        return true;
      case FieldKind.Cookie:
        return this.#kind !== 'request' || this.#noteCookie(value);
      case FieldKind.Expect:
        if (value.toLowerCase() === '100-continue') this.#expectsContinue = true;
        return true;
      case FieldKind.Te:
        if (this.#kind === 'request' && value.toLowerCase() === 'trailers') return true;
        return this.#fail('connection-field', 'te says more than trailers');
      case FieldKind.ConnectionSpecific:
        return this.#fail('connection-field', `${name} is a field of HTTP/1.1`);
      case FieldKind.BadName:
        return this.#fail('field', `${shownText(name)} is no field name in lower case`);
      case FieldKind.BadValue:
        return this.#fail('field', `a value of ${shownText(name)} that no field can have`);
      default:
        return this.#notePseudo(name, value, kind);
    }
  }

  /** Each at most once, before the others, and only those of its kind of message (§8.3). */
  #notePseudo(name: string, value: string, kind: number): false {
    if (this.#hasRegular)
      return this.#fail('pseudo-field', `${shownText(name)} behind other fields`);
    if (this.#kind === 'response' && kind === FieldKind.Status) {
      if (this.status !== 0) return this.#twice(name);
      if (!STATUS.test(value)) return this.#fail('pseudo-field', ':status is not three digits');
      this.status = Number(value);
      return false;
    }
    if (this.#kind !== 'request')
      return this.#fail('pseudo-field', `${shownText(name)} in a ${this.#kind} section`);
    switch (kind) {
      case FieldKind.Method:
        if (this.method !== undefined) return this.#twice(name);
        this.method = value;
        return false;
      case FieldKind.Scheme:
        if (this.#scheme !== undefined) return this.#twice(name);
        this.#scheme = value;
        return false;
      case FieldKind.Authority:
        if (this.#authority !== undefined) return this.#twice(name);
        this.#authority = value;
        return false;
      case FieldKind.Path:
        if (this.#path !== undefined) return this.#twice(name);
        this.#path = value;
        return false;
      default:
        // `:protocol`, too: we do not offer what allows it (RFC 8441 §3).
        return this.#fail('pseudo-field', `${shownText(name)} in a request`);
    }
  }

  #noteLength(value: string): boolean {
    if (this.#kind === 'trailers')
      return this.#fail('framing-in-trailers', 'content-length among the trailers');
    const length =
      this.#kind === 'request'
        ? soleLength(value, this.contentLength)
        : foldedLength(value, this.contentLength);
    if (length instanceof WireError) {
      this.problem ??= length;
      return false;
    }
    this.contentLength = length;
    return true;
  }

  #noteHost(value: string): void {
    if (this.#host !== undefined) this.#fail('pseudo-field', 'host more than once');
    this.#host = value;
  }

  /** A cookie may come in pieces, for the sake of HPACK, and is one field to everything else (§8.2.3). */
  #noteCookie(value: string): boolean {
    if (this.#cookieAt === -1) {
      this.#cookieAt = this.#length + 1;
      return true;
    }
    const before = this.#parts[this.#cookieAt];
    if (before !== undefined) this.#parts[this.#cookieAt] = `${before}; ${value}`;
    return false;
  }

  #judgeRequest(): void {
    const { method } = this;
    const [scheme, authority, path] = [this.#scheme, this.#authority, this.#path];
    const host = authority ?? this.#host;
    if (method === undefined || !isToken(method))
      this.#fail('pseudo-field', 'a request without a :method');
    else if (host === undefined || !isHost(host))
      this.#fail('pseudo-field', 'a request without a host');
    else if (this.#host !== undefined && this.#host.toLowerCase() !== host.toLowerCase())
      this.#fail('pseudo-field', 'host and :authority differ');
    else if (method === 'CONNECT') {
      if (scheme !== undefined || path !== undefined || authority === undefined)
        this.#fail('pseudo-field', 'CONNECT has an :authority, and no :scheme and :path');
      else if (!HAS_PORT.test(authority)) this.#fail('pseudo-field', 'CONNECT without a port');
    } else if (scheme === undefined || !SCHEME.test(scheme))
      this.#fail('pseudo-field', 'a request without a :scheme');
    else if (path === undefined || !(PATH.test(path) || (path === '*' && method === 'OPTIONS')))
      this.#fail('pseudo-field', 'a request without a :path that it can have');
  }

  #taken(): string[] {
    return this.#parts.slice(0, this.#length);
  }

  #twice(name: string): false {
    return this.#fail('pseudo-field', `${name} more than once`);
  }

  #fail(reason: WireReason, what: string): false {
    this.problem ??= new WireError(reason, what);
    return false;
  }
}

const STATUS = /^[1-9]\d\d$/;
const SCHEME = /^[a-z][a-z\d+.-]*$/i;
/** Path and query: visible ASCII, no fragment (§8.3.1, RFC 3986 §3). */
const PATH = /^\/[\x21\x22\x24-\x7e]*$/;
const HAS_PORT = /:\d{1,5}$/;

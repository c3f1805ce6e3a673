/**
 * Decoded heads and trailers. A section keeps names and values as they came out of HPACK, most of them strings of its
 * tables; the one text with offsets, which every `FieldSection` is, is made when it is asked for.
 */
import type { FieldSection } from '../head.js';
import type { Http2RequestHead, Http2ResponseHead } from './stream-api.js';

class Fields implements FieldSection {
  readonly #parts: readonly string[];
  #text: string | undefined = undefined;
  #offsets: readonly number[] | undefined = undefined;

  /** @param parts name, value, name, value … */
  constructor(parts: readonly string[]) {
    this.#parts = parts;
  }

  get text(): string {
    this.#text ??= this.#parts.join('');
    return this.#text;
  }

  get offsets(): readonly number[] {
    this.#offsets ??= offsetsOf(this.#parts);
    return this.#offsets;
  }
}

function offsetsOf(parts: readonly string[]): number[] {
  const offsets = new Array<number>(parts.length * 2);
  let at = 0;
  for (let i = 0; i < parts.length; i += 1) {
    offsets[i * 2] = at;
    at += parts[i]?.length ?? 0;
    offsets[i * 2 + 1] = at;
  }
  return offsets;
}

export class TrailerFields extends Fields {}

export class ResponseFields extends Fields implements Http2ResponseHead {
  readonly reasonStart = 0;
  readonly reasonEnd = 0;
  readonly status: number;
  readonly isEncoded: boolean;
  readonly bodyLength: number;

  constructor(parts: readonly string[], status: number, isEncoded: boolean, bodyLength: number) {
    super(parts);
    this.status = status;
    this.isEncoded = isEncoded;
    this.bodyLength = bodyLength;
  }
}

export class RequestFields extends Fields implements Http2RequestHead {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly target: string;
  readonly contentLength: number;
  readonly expectContinue: boolean;

  constructor(
    parts: readonly string[],
    method: string,
    scheme: string,
    authority: string,
    target: string,
    contentLength: number,
    expectContinue: boolean,
  ) {
    super(parts);
    this.method = method;
    this.scheme = scheme;
    this.authority = authority;
    this.target = target;
    this.contentLength = contentLength;
    this.expectContinue = expectContinue;
  }
}

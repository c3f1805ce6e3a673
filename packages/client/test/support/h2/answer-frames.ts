/**
 * The text of an HTTP/1.1 response, as scripts write it, in terms of a stream: heads, pieces of the body, the end. So
 * one description of an answer serves both protocols. The text is a script's own and well-formed; how it marks the end
 * of the body (Content-Length, chunks, close) says when the stream ends, and fields of the connection are left out.
 */
import type { Field } from './hpack.js';

export type AnswerPart =
  | { readonly kind: 'head'; readonly fields: readonly Field[]; readonly isLast: boolean }
  | { readonly kind: 'body'; readonly bytes: Buffer; readonly isLast: boolean }
  | { readonly kind: 'trailers'; readonly fields: readonly Field[] };

type State =
  | { readonly at: 'head' }
  | { readonly at: 'body'; left: number }
  | { readonly at: 'chunk-size' | 'chunk-end' | 'trailers' }
  | { readonly at: 'chunk'; left: number }
  | { readonly at: 'until-close' }
  | { readonly at: 'end' };

const CONNECTION_FIELDS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

export class AnswerFrames {
  readonly #method: string;
  #state: State = { at: 'head' };
  #rest: Buffer = Buffer.alloc(0);

  /** `method`: of the request, because a HEAD has no body. */
  constructor(method: string) {
    this.#method = method;
  }

  /** The whole of it was written. */
  get isEnded(): boolean {
    return this.#state.at === 'end';
  }

  /** The end of the body is the end of the connection. */
  get isUntilClose(): boolean {
    return this.#state.at === 'until-close';
  }

  /** What is whole of it by now. */
  *push(bytes: Uint8Array): Generator<AnswerPart, void, undefined> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (let part = this.#next(); part !== undefined; part = this.#next())
      if (part !== 'more') yield part;
  }

  #next(): AnswerPart | 'more' | undefined {
    const state = this.#state;
    switch (state.at) {
      case 'head': {
        const head = this.#until('\r\n\r\n');
        return head === undefined ? undefined : this.#head(head);
      }
      case 'body':
      case 'chunk': {
        if (this.#rest.length === 0) return undefined;
        const bytes = this.#take(state.left);
        state.left -= bytes.length;
        const isDone = state.left === 0;
        if (isDone) this.#state = { at: state.at === 'body' ? 'end' : 'chunk-end' };
        return { kind: 'body', bytes, isLast: isDone && state.at === 'body' };
      }
      case 'chunk-end':
        if (this.#until('\r\n') === undefined) return undefined;
        this.#state = { at: 'chunk-size' };
        return 'more';
      case 'chunk-size': {
        const line = this.#until('\r\n');
        if (line === undefined) return undefined;
        const left = Number.parseInt(line, 16);
        this.#state = left === 0 ? { at: 'trailers' } : { at: 'chunk', left };
        return 'more';
      }
      case 'trailers': {
        // The line that ends the last chunk was taken: fields, and an empty line.
        const isBare = this.#rest.indexOf('\r\n') === 0;
        const text = this.#until(isBare ? '\r\n' : '\r\n\r\n');
        if (text === undefined) return undefined;
        this.#state = { at: 'end' };
        return isBare
          ? { kind: 'body', bytes: Buffer.alloc(0), isLast: true }
          : { kind: 'trailers', fields: fieldsOf(text.split('\r\n')) };
      }
      case 'until-close': {
        if (this.#rest.length === 0) return undefined;
        return { kind: 'body', bytes: this.#take(Infinity), isLast: false };
      }
      case 'end':
        if (this.#rest.length > 0) throw new Error('a script writes behind the end of its answer');
        return undefined;
    }
  }

  #head(text: string): AnswerPart {
    const [statusLine = '', ...lines] = text.split('\r\n');
    const status = statusLine.split(' ')[1] ?? '';
    const all = fieldsOf(lines);
    const isChunked = all.some(([name]) => name === 'transfer-encoding');
    const length = isChunked ? undefined : all.find(([name]) => name === 'content-length')?.[1];
    // Beside chunks it is ignored (RFC 9112 §6.3).
    const fields = all.filter(
      ([name]) => !CONNECTION_FIELDS.has(name) && !(isChunked && name === 'content-length'),
    );
    const isInformational = status.startsWith('1');
    const hasNoBody = this.#method === 'HEAD' || ['204', '304'].includes(status) || length === '0';
    if (isInformational) this.#state = { at: 'head' };
    else if (hasNoBody) this.#state = { at: 'end' };
    else if (isChunked) this.#state = { at: 'chunk-size' };
    else if (length !== undefined) this.#state = { at: 'body', left: Number(length) };
    else this.#state = { at: 'until-close' };
    return { kind: 'head', fields: [[':status', status], ...fields], isLast: this.isEnded };
  }

  #until(marker: string): string | undefined {
    const place = this.#rest.indexOf(marker, 0, 'latin1');
    if (place === -1) return undefined;
    const text = this.#rest.toString('latin1', 0, place);
    this.#rest = this.#rest.subarray(place + marker.length);
    return text;
  }

  #take(count: number): Buffer {
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }
}

function fieldsOf(lines: readonly string[]): Field[] {
  return lines
    .filter((line) => line !== '')
    .map((line): Field => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
}

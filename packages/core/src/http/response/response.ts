/**
 * What a handler can return, and the one shape it all becomes.
 */
import { Readable } from 'node:stream';
import { HotaruError } from '../../errors.js';
import { invalidOption, show } from '../../options.js';
import {
  copyHeaders,
  emptyHeaders,
  setHeader,
  type HeaderBag,
  type HeadersInput,
  type HeaderValue,
} from './headers.js';
import { isUpstreamResponse, upstreamParts, type UpstreamResponse } from './pass-through.js';

/** A body that is written piece by piece, with backpressure: text or bytes. */
export type StreamSource =
  Readable | ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

export type Body = string | Uint8Array | StreamSource | null;

/**
 * What a handler may return: a response, text (text/plain), bytes (application/octet-stream), a plain
 * object or list (JSON), a stream or async iterable (application/octet-stream, streamed), a `ClientResponse`
 * or a fetch `Response` (passed through with its status and headers, streamed), or nothing (204, or what
 * `ctx.status()` said).
 */
export type Outcome =
  | HttpResponse
  | string
  | Uint8Array
  | StreamSource
  | object
  | null
  | undefined
  // A handler without a return statement is one.
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type
  | void;

/** What the response helpers take: a status, or status and headers. */
export type ResponseInit =
  number | { status?: number | undefined; headers?: HeadersInput | undefined };

/** What a response asks of the exchange it belongs to. */
export interface ResponseDefaults {
  /** Said by `ctx.status()`; 0 when it was not called. */
  readonly status: number;
}

/** A response as its handler made it, kept from the first change that middleware makes. */
interface Made {
  readonly status: number;
  readonly body: Body;
  readonly headers: HeaderBag | undefined;
}

/**
 * A response: made by the helpers (`json()`, `text()`, …) or from what a handler returned. It is a value: each
 * request that is answered with it gets a copy of its own, which middleware may change, so that a constant
 * response never carries what was set for another request. The original cannot be changed any more once it
 * was returned. One with a stream as its body answers one request.
 *
 * Status: its own, else what `ctx.status()` said, else 200, or 204 without a body. Headers: its own come
 * before those of `ctx.setHeader()`, which come before the content type that goes with the body.
 */
export class HttpResponse {
  /** Sent as `content-type` unless a header says otherwise. */
  readonly contentType: string | undefined;
  #body: Body;
  #status = 0;
  #headers: HeaderBag | undefined = undefined;
  /** The exchange that is answered with it; undefined for an original. */
  #owner: ResponseDefaults | undefined = undefined;
  #made: Made | undefined = undefined;
  #isReturned = false;

  /** @throws HotaruError `HOTARU_INVALID_OPTION`, `HOTARU_INVALID_HEADER` */
  constructor(body: Body, contentType: string | undefined, init?: ResponseInit) {
    this.#body = body;
    this.contentType = contentType;
    if (init === undefined) return;
    if (typeof init === 'number') this.#status = checkStatus(init);
    else {
      checkInit(init);
      if (init.status !== undefined) this.#status = checkStatus(init.status);
      if (init.headers !== undefined) copyHeaders((this.#headers = emptyHeaders()), init.headers);
    }
  }

  get body(): Body {
    return this.#body;
  }
  set body(body: Body) {
    this.#beforeChange();
    this.#body = body;
  }

  get status(): number {
    if (this.#status !== 0) return this.#status;
    if (this.#owner !== undefined && this.#owner.status !== 0) return this.#owner.status;
    return this.#body === null ? 204 : 200;
  }
  set status(status: number) {
    const checked = checkStatus(status);
    this.#beforeChange();
    this.#status = checked;
  }

  /** Its own fields, lower-case names; undefined when there are none. Changed with `setHeader()` only. */
  get headers(): Readonly<HeaderBag> | undefined {
    return this.#headers;
  }

  /** @throws HotaruError `HOTARU_INVALID_HEADER` */
  setHeader(name: string, value: HeaderValue): this {
    this.#beforeChange();
    setHeader((this.#headers ??= emptyHeaders()), name, value);
    return this;
  }

  /** @internal The first answer of a response that is not used elsewhere. */
  bind(owner: ResponseDefaults): this {
    this.#owner = owner;
    return this;
  }

  /** @internal Itself when it belongs to that exchange already, else a copy as the handler made it. */
  answerFor(owner: ResponseDefaults): HttpResponse {
    if (this.#owner === owner) return this;
    const made = this.#made ?? this.#asMade();
    const isTaken = this.#isReturned || this.#owner !== undefined;
    if (isTaken && isStreamBody(made.body))
      throw new HotaruError(
        'HOTARU_INVALID_OUTCOME',
        'the stream of this response was sent already; make a new response for each request',
      );
    this.#isReturned = true;
    const copy = new HttpResponse(made.body, this.contentType).bind(owner);
    copy.#status = made.status;
    copy.#headers = made.headers === undefined ? undefined : Object.freeze(made.headers);
    return copy;
  }

  #asMade(): Made {
    return { status: this.#status, body: this.#body, headers: this.#headers };
  }

  /** Keeps what the handler made, and no header bag is shared with it from then on. */
  #beforeChange(): void {
    if (this.#owner === undefined) {
      if (!this.#isReturned) return;
      throw new HotaruError(
        'HOTARU_INVALID_STATE',
        'this response was returned already, and other requests may be answered with it; make a new one, ' +
          'or change what next() gives',
      );
    }
    if (this.#made !== undefined) return;
    this.#made = this.#asMade();
    if (this.#headers !== undefined) this.#headers = Object.assign(emptyHeaders(), this.#headers);
  }
}

function checkInit(init: object): void {
  const allowed = 'a status, or an object of status, headers';
  if (typeof init !== 'object' || (init as unknown) === null || Symbol.iterator in init)
    throw invalidOption('the init of a response', init, allowed);
  for (const [key, value] of Object.entries(init))
    if (key !== 'status' && key !== 'headers')
      throw new HotaruError(
        'HOTARU_INVALID_OPTION',
        `response.${key} (${show(value)}) is not an option; allowed: ${allowed}`,
      );
}

function isStreamBody(body: Body): boolean {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array);
}

/** 200 to 599; 1xx are not responses. @throws HotaruError `HOTARU_INVALID_OPTION` */
export function checkStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw new HotaruError('HOTARU_INVALID_OPTION', `status is ${show(status)}; allowed: 200 to 599`);
}

/** @throws HotaruError `HOTARU_INVALID_OUTCOME` for what is no response. */
export function toResponse(outcome: unknown, defaults: ResponseDefaults): HttpResponse {
  if (outcome instanceof HttpResponse) return outcome.answerFor(defaults);
  return shape(outcome).bind(defaults);
}

function shape(outcome: unknown): HttpResponse {
  switch (typeof outcome) {
    case 'string':
      return new HttpResponse(outcome, 'text/plain; charset=utf-8');
    case 'undefined':
      return new HttpResponse(null, undefined);
    case 'object':
      return outcome === null ? new HttpResponse(null, undefined) : shapeObject(outcome);
    default:
      throw invalidOutcome(outcome);
  }
}

function shapeObject(outcome: object): HttpResponse {
  if (outcome instanceof Uint8Array) return new HttpResponse(outcome, 'application/octet-stream');
  if (isStreamSource(outcome)) return new HttpResponse(outcome, 'application/octet-stream');
  if (outcome instanceof Error) throw outcome;
  if (isUpstreamResponse(outcome)) return passThrough(outcome);
  if (isMistake(outcome)) throw invalidOutcome(outcome);
  return new HttpResponse(stringify(outcome), 'application/json');
}

function passThrough(upstream: UpstreamResponse): HttpResponse {
  const { body, status, headers } = upstreamParts(upstream);
  return new HttpResponse(body, undefined, { status, headers });
}

export function isStreamSource(value: object): value is StreamSource {
  return Symbol.asyncIterator in value || value instanceof ReadableStream;
}

/** Objects that have a JSON form which is never what was meant. */
function isMistake(value: object): boolean {
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Blob ||
    value instanceof ArrayBuffer
  );
}

/** @throws HotaruError `HOTARU_INVALID_OUTCOME` for a cycle, a BigInt, or what has no JSON form. */
export function stringify(data: unknown): string {
  let text: unknown; // undefined for a function or a symbol, whatever the types say
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw new HotaruError('HOTARU_INVALID_OUTCOME', `no JSON form: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof text !== 'string') throw invalidOutcome(data);
  return text;
}

function invalidOutcome(value: unknown): HotaruError {
  const isObject = typeof value === 'object' && value !== null;
  const name = isObject
    ? `an object (${Object.prototype.toString.call(value)})`
    : `a ${typeof value}`;
  return new HotaruError(
    'HOTARU_INVALID_OUTCOME',
    `${name} is no response; return text, bytes, a plain object, a stream, or use json(), text(), ` +
      'stream(res.body), the response of an upstream, …',
  );
}

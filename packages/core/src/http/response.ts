/**
 * What a handler can return, and the one shape it all becomes.
 */
import { Readable } from 'node:stream';
import { ClientResponse } from '@hotaru/client';
import { HotaruError } from '../errors.js';
import { show } from '../options.js';
import {
  copyHeaders,
  emptyHeaders,
  setHeader,
  type HeaderBag,
  type HeadersInput,
  type HeaderValue,
} from './headers.js';

/** A body that is written piece by piece, with backpressure: text or bytes. */
export type StreamSource =
  Readable | ReadableStream<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

export type Body = string | Uint8Array | StreamSource | null;

/**
 * What a handler may return: a response, text (text/plain), bytes (application/octet-stream), a plain
 * object or list (JSON), a stream or async iterable (application/octet-stream, streamed), or nothing (204,
 * or what `ctx.status()` said).
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
export type ResponseInit = number | { status?: number; headers?: HeadersInput };

/** What a response asks of the exchange it belongs to. */
export interface ResponseDefaults {
  /** Said by `ctx.status()`; 0 when it was not called. */
  readonly status: number;
}

const NO_DEFAULTS: ResponseDefaults = { status: 0 };

/**
 * A response: made by the helpers (`json()`, `text()`, …) or from what a handler returned. `next()` in a
 * middleware resolves with one, and it may be changed there; so make a new one for each request.
 *
 * Status: its own, else what `ctx.status()` said, else 200, or 204 without a body. Headers: its own come
 * before those of `ctx.setHeader()`, which come before the content type that goes with the body.
 */
export class HttpResponse {
  body: Body;
  /** Sent as `content-type` unless a header says otherwise. */
  readonly contentType: string | undefined;
  #status: number;
  #headers: HeaderBag | undefined;
  #defaults: ResponseDefaults = NO_DEFAULTS;

  constructor(body: Body, contentType: string | undefined, init?: ResponseInit) {
    this.body = body;
    this.contentType = contentType;
    this.#status = 0;
    if (init === undefined) return;
    if (typeof init === 'number') this.#status = checkStatus(init);
    else {
      if (init.status !== undefined) this.#status = checkStatus(init.status);
      if (init.headers !== undefined) copyHeaders((this.#headers = emptyHeaders()), init.headers);
    }
  }

  get status(): number {
    if (this.#status !== 0) return this.#status;
    if (this.#defaults.status !== 0) return this.#defaults.status;
    return this.body === null ? 204 : 200;
  }
  set status(status: number) {
    this.#status = checkStatus(status);
  }

  /** Its own fields, lower-case names; undefined when there are none. */
  get headers(): Readonly<HeaderBag> | undefined {
    return this.#headers;
  }

  /** @throws HotaruError `HOTARU_INVALID_HEADER` */
  setHeader(name: string, value: HeaderValue): this {
    setHeader((this.#headers ??= emptyHeaders()), name, value);
    return this;
  }

  /** @internal Which `ctx.status()` speaks for it. */
  bind(defaults: ResponseDefaults): this {
    this.#defaults = defaults;
    return this;
  }
}

/** 200 to 599; 1xx are not responses. @throws HotaruError `HOTARU_INVALID_OPTION` */
export function checkStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 599) return status;
  throw new HotaruError('HOTARU_INVALID_OPTION', `status is ${show(status)}; allowed: 200 to 599`);
}

/** @throws HotaruError `HOTARU_INVALID_OUTCOME` for what is no response. */
export function toResponse(outcome: unknown, defaults: ResponseDefaults): HttpResponse {
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
  if (outcome instanceof HttpResponse) return outcome;
  if (outcome instanceof Uint8Array) return new HttpResponse(outcome, 'application/octet-stream');
  if (isStreamSource(outcome)) return new HttpResponse(outcome, 'application/octet-stream');
  if (outcome instanceof Error) throw outcome;
  if (isMistake(outcome)) throw invalidOutcome(outcome);
  return new HttpResponse(stringify(outcome), 'application/json');
}

export function isStreamSource(value: object): value is StreamSource {
  return Symbol.asyncIterator in value || value instanceof ReadableStream;
}

/** Objects that have a JSON form which is never what was meant. */
function isMistake(value: object): boolean {
  return (
    value instanceof ClientResponse ||
    value instanceof Response ||
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
      'stream(res.body, { status, headers }), …',
  );
}

/**
 * The response as the caller sees it. Everything but the status is made when asked for.
 */
import { withCaller } from '../diagnostics/call-stack.js';
import type { Readable } from 'node:stream';
import type { Attempt, HotaruClientError } from '../errors.js';
import { TransportError } from '../errors.js';
import { INSPECT, shown, shownUrl, type InspectOptions } from '../diagnostics/inspect.js';
import { BodyReadable, BodyStream } from './body-stream.js';
import { textOf } from './buffer-text.js';
import type { ResponseBody } from './response-body.js';
import { ResponseHeaders } from './response-headers.js';

/**
 * ms each phase took; 0 for a phase there was none of. `total` grows until the body has ended. After
 * redirects the phases are those of the last hop, and `total` is that of the whole call.
 */
export interface ResponseTiming {
  /** Waiting for a connection, beyond the dial itself. */
  queue: number;
  dns: number;
  connect: number;
  tls: number;
  /** Looking once more at the connection (a turn of the event loop), and writing the request. */
  send: number;
  /** From the request written to the response head. */
  ttfb: number;
  total: number;
}

/** The connection that carried a response. */
export interface ConnectionInfo {
  readonly id: number;
  /** False when it was dialled for this request. */
  readonly reused: boolean;
  /** Requests on it so far, this one included. */
  readonly requestCount: number;
  readonly protocol: 'http/1.1' | 'h2';
  readonly remoteAddress: string | undefined;
}

/** What a response asks of the call that made it. */
export interface ResponseSource {
  readonly method: string;
  readonly url: string;
  readonly attempts: readonly Attempt[];
  timing(): ResponseTiming;
  readonly connectionInfo: ConnectionInfo;
  readonly trailers: ResponseHeaders;
  /** The caller's line, where call sites are recorded. */
  readonly callSite: string | undefined;
  /** Puts the name of the call on an error (call-name.ts). */
  name(error: HotaruClientError): void;
}

/** What a response head says before its fields. */
export interface StatusLine {
  readonly status: number;
  readonly text: string;
  /** Where in `text` the reason phrase is; empty where the protocol has none. */
  readonly reasonStart: number;
  readonly reasonEnd: number;
}

export interface ResponseParts {
  readonly statusLine: StatusLine;
  readonly headers: ResponseHeaders;
  readonly body: ResponseBody;
  readonly source: ResponseSource;
}

/**
 * What `sendRequest` resolves with, as soon as the head is there.
 *
 * Read the body once: `text()`, `json()`, `bytes()`, or `for await (const chunk of res.body)`; or give
 * it up with `discard()`. Until one of these, the connection is held.
 *
 * @example
 * const res = await pool.sendRequest('https://api.example.com', getRequest('/users/1'));
 * if (!res.ok) throw new Error(`${res.status}: ${await res.text()}`);
 * const user = await res.json<User>();
 */
export class ClientResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly #body: ResponseBody;
  readonly #statusLine: StatusLine;
  readonly #source: ResponseSource;
  #stream: BodyStream | undefined = undefined;

  constructor(parts: ResponseParts) {
    this.status = parts.statusLine.status;
    this.#statusLine = parts.statusLine;
    this.headers = parts.headers;
    this.#body = parts.body;
    this.#source = parts.source;
  }

  /** The reason phrase; '' when there is none. */
  get statusText(): string {
    const { text, reasonStart, reasonEnd } = this.#statusLine;
    return text.slice(reasonStart, reasonEnd);
  }

  /** 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The URL that answered: after redirects, the last one. */
  get url(): string {
    return this.#source.url;
  }

  get connection(): ConnectionInfo {
    return this.#source.connectionInfo;
  }

  get timing(): ResponseTiming {
    return this.#source.timing();
  }

  /** What failed before this response came: connections that were dead, on all hops of redirects. */
  get attempts(): readonly Attempt[] {
    return this.#source.attempts;
  }

  /** Resolves with the trailer fields once the body has ended; empty when there were none. */
  get trailers(): Promise<ResponseHeaders> {
    return this.#body.settled().then(() => this.#source.trailers);
  }

  /** Was the body read or given up? True from the first of these on, also when only a part was read. */
  get bodyUsed(): boolean {
    return this.#body.use !== 'unread';
  }

  /**
   * The body as a web stream that is also a fast async iterable of `Uint8Array`. Reading it slowly
   * slows the peer down. Leaving the loop early gives the rest up.
   */
  get body(): ReadableStream<Uint8Array> & AsyncIterable<Uint8Array> {
    this.#stream ??= new BodyStream(this.#body, this);
    return this.#stream;
  }

  /** For `console.log(res)`: the head and where it came from; nothing of the body, no secrets (inspect.ts). */
  [INSPECT](depth: number, options: InspectOptions): string {
    const { status, statusText, url, bodyUsed, headers } = this;
    const { method } = this.#source;
    const fields = { status, statusText, method, url: shownUrl(url), bodyUsed, headers };
    return shown('ClientResponse', fields, depth, options);
  }

  /** The whole body as bytes. @throws `HOTARU_BODY_USED`, `HOTARU_RESPONSE_TOO_LARGE`, `HOTARU_BODY_TIMEOUT`, … */
  bytes(): Promise<Uint8Array> {
    return this.#body.collect();
  }

  /** The whole body as UTF-8 text, without a byte order mark. Throws as `bytes()` does. */
  text(): Promise<string> {
    const text = this.#body.takeText();
    return text === undefined ? this.#body.collect().then(textOf) : Promise.resolve(text);
  }

  /** The whole body parsed as JSON. @throws `HOTARU_DECODE_FAILED` when it is none; else as `bytes()`. */
  async json<T = unknown>(): Promise<T> {
    const text = await this.text();
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      const type = this.headers.get('content-type') ?? 'no content-type';
      const failure = new TransportError(
        'HOTARU_DECODE_FAILED',
        `the body is not JSON (status ${this.status}, ${type})`,
        { cause: error, phase: 'body', responseStarted: true },
      );
      this.#source.name(failure);
      throw withCaller(failure, this.#source.callSite);
    }
  }

  /** The body as a Node stream, for `pipeline()`. @throws `HOTARU_BODY_USED` when it is used already */
  readable(): Readable {
    return new BodyReadable(this.#body, this);
  }

  /**
   * Gives the body up: what little is left is drained (64 KiB, 50 ms), else the connection is closed; of HTTP/2 the
   * stream is reset, and its connection goes on. Resolves when the connection, or its stream, is free either way. Works on a body that was read in part, too: a reader
   * that is still there gets `HOTARU_BODY_USED`. Does nothing when the body was read to its end, or while
   * `text()`, `json()` or `bytes()` collects it: to stop these, abort the call's signal.
   */
  async discard(): Promise<void> {
    this.#body.discard();
    if (this.#body.use === 'discarded') await this.#body.settled();
  }
}

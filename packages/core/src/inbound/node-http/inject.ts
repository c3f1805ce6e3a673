/**
 * `app.inject()`: a request without a socket. Both ends of a pair of in-memory streams speak real HTTP: the
 * server's own parser and limits, node:http's client. Nothing of the way of a request is left out.
 */
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { Duplex } from 'node:stream';
import { ByteCollector } from '../../http/request/byte-collector.js';
import { checkKeys, invalidOption } from '../../options.js';

export interface InjectOptions {
  /** Default GET. */
  method?: string | undefined;
  /** Path and query. Default `/`. */
  path?: string | undefined;
  /** The same, as others call it. */
  url?: string | undefined;
  headers?: Record<string, string | string[]> | undefined;
  /**
   * Text and bytes go as they are; URLSearchParams, FormData and Blob with their content type; streams and
   * async iterables piece by piece, as fast as the app reads; plain objects and lists as JSON.
   */
  body?: string | Uint8Array | ArrayBuffer | object | undefined;
  /** Aborts it, as a client that leaves does. */
  signal?: AbortSignal | undefined;
}

/** What `app.inject()` resolves with, as soon as the head is there. */
export class InjectedResponse {
  readonly status: number;
  /** Lower-case names; `set-cookie` is a list. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as it comes. */
  readonly body: IncomingMessage;
  #collected: Promise<Buffer> | undefined = undefined;

  constructor(message: IncomingMessage) {
    this.status = message.statusCode ?? 0;
    this.headers = message.headers;
    this.body = message;
  }

  bytes(): Promise<Uint8Array> {
    return this.#collect();
  }

  async text(): Promise<string> {
    return (await this.#collect()).toString('utf8');
  }

  // The caller names the type: a test knows what it expects.

  async json<T = unknown>(): Promise<T> {
    return JSON.parse(await this.text()) as T;
  }

  /** Rejects when the body is cut. */
  #collect(): Promise<Buffer> {
    return (this.#collected ??= (async () => {
      const collector = new ByteCollector();
      for await (const chunk of this.body) collector.add(chunk as Buffer);
      return collector.take();
    })());
  }
}

/** @throws HotaruError `HOTARU_INVALID_OPTION`; the signal's reason; an error when the connection is cut. */
export async function inject(server: Server, options: InjectOptions): Promise<InjectedResponse> {
  checkKeys('inject', options, ['method', 'path', 'url', 'headers', 'body', 'signal']);
  const { method = 'GET', url = '/', path = url, headers = {}, body, signal } = options;
  if (typeof (path as unknown) !== 'string' || path === '')
    throw invalidOption('inject.path', path, 'a path such as /users?page=2');
  const { bytes, type } = await encode(body);
  signal?.throwIfAborted();
  const [near, far] = socketPair();
  server.emit('connection', far);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method,
      path,
      headers: { host: 'localhost', ...headers },
      createConnection: () => near,
    });
    // Without an agent, node:http would ask for the end of the connection. What the caller says stays.
    if (!hasField(headers, 'connection')) request.removeHeader('connection');
    if (type !== undefined && !hasField(headers, 'content-type'))
      request.setHeader('content-type', type);
    const onAbort = (): void => {
      near.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    near.once('close', () => signal?.removeEventListener('abort', onAbort));
    request.once('error', reject);
    request.once('response', (message: IncomingMessage) => {
      message.once('end', () => near.end());
      resolve(new InjectedResponse(message));
    });
    void send(request, bytes);
  });
}

interface EncodedBody {
  readonly bytes: string | Uint8Array | AsyncIterable<unknown> | undefined;
  /** What the body says of itself. */
  readonly type?: string | undefined;
}

/** @throws HotaruError `HOTARU_INVALID_OPTION` for what has no obvious form as a body. */
async function encode(body: unknown): Promise<EncodedBody> {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array)
    return { bytes: body };
  if (typeof body !== 'object' || body === null || body instanceof Map || body instanceof Set)
    throw invalidOption(
      'inject.body',
      body,
      'text, bytes, a plain object or list (sent as JSON), URLSearchParams, FormData, a Blob or a stream',
    );
  if (body instanceof URLSearchParams || body instanceof FormData || body instanceof Blob) {
    const whole = new Response(body);
    const type = whole.headers.get('content-type') ?? undefined;
    return { bytes: new Uint8Array(await whole.arrayBuffer()), type };
  }
  if (body instanceof ArrayBuffer) return { bytes: new Uint8Array(body) };
  if (ArrayBuffer.isView(body))
    return { bytes: new Uint8Array(body.buffer, body.byteOffset, body.byteLength) };
  if (Symbol.asyncIterator in body) return { bytes: body as AsyncIterable<unknown> };
  return { bytes: JSON.stringify(body), type: 'application/json' };
}

function hasField(headers: object, field: string): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === field);
}

async function send(request: ClientRequest, bytes: EncodedBody['bytes']): Promise<void> {
  if (bytes === undefined) request.end();
  else if (typeof bytes === 'string' || bytes instanceof Uint8Array) {
    if (!request.hasHeader('transfer-encoding'))
      request.setHeader('content-length', Buffer.byteLength(bytes));
    request.end(bytes);
  } else {
    let wake: () => void = () => undefined;
    request.on('drain', () => wake());
    request.on('close', () => wake()); // it failed, or its response is there without the whole body
    try {
      for await (const piece of bytes) {
        if (request.destroyed) return; // leaving the loop gives the source up
        if (!request.write(piece)) await new Promise<void>((resolve) => (wake = resolve));
      }
      request.end();
    } catch (error) {
      request.destroy(error as Error);
    }
  }
}

/** Two ends of one connection. What node:http asks of a socket beyond a stream is there and does nothing. */
function socketPair(): [PairEnd, PairEnd] {
  const near = new PairEnd();
  const far = new PairEnd();
  near.other = far;
  far.other = near;
  return [near, far];
}

class PairEnd extends Duplex {
  other: PairEnd | undefined = undefined;
  readonly remoteAddress = '127.0.0.1';
  bytesRead = 0;
  #resume: (() => void) | undefined = undefined;

  override _read(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const other = this.other;
    if (other === undefined || other.destroyed) done();
    else other.#deliver(chunk, done);
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const other = this.other;
    // What was written before is delivered, then comes the end; and this side is no longer waited for.
    if (other !== undefined && !this.writableFinished && !other.readableEnded) other.push(null);
    this._read();
    done(error);
  }

  #deliver(chunk: Buffer, done: () => void): void {
    this.bytesRead += chunk.length;
    if (this.push(chunk)) done();
    else this.#resume = done; // backpressure: the writer waits for the reader
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

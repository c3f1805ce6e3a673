/**
 * What a contender is: one small file that knows how one library is used. The harness finds it by its
 * place: `contenders/client/<name>.ts`, `contenders/server/<name>.ts`, `contenders/gateway/<name>.ts`.
 *
 * Each is written as the library's own documents advise for speed: keep-alive on, one pool for all
 * requests, its validation and hooks as they come. None pipelines.
 */

/** What a client is measured against. */
export interface ClientTarget {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** It may open at most so many connections, and is given at most so many requests at a time. */
  readonly connections: number;
  /** The certificate to trust (PEM); undefined for plain HTTP. Verification stays on. */
  readonly ca: string | undefined;
  /** HTTP/2 on these connections, and so many requests at a time on each. Default: HTTP/1.1. */
  readonly streams?: number;
}

/** Takes one piece of a body; the next may come only once the promise has resolved. */
export type Take = (piece: Uint8Array) => void | Promise<void>;

/**
 * A way of reading an answer:
 *
 *   text · json · pieces    whole, parsed, or in a `for await` loop
 *   webReader · piped       through the reader of a web stream, or a Node pipeline
 *   packed                  gzip, unpacked, as text
 *   cookies                 every `set-cookie` looked at, then text
 */
export type Reading = 'text' | 'json' | 'pieces' | 'webReader' | 'piped' | 'packed' | 'cookies';

/** The ways in which one GET can be written; what they are made of is made anew for each call. */
export const WAYS = [
  'URL object',
  'Headers instance',
  'query object',
  'signal',
  'timeout',
] as const;
export type Way = (typeof WAYS)[number];

/** One library, ready to send. */
export interface BenchClient {
  /** GET; resolves with the whole body as text. */
  get(path: string): Promise<string>;
  /** As `get`, from any origin. Left out where the library is bound to one, or of no interest. */
  getFrom?(url: string): Promise<string>;
  /** As `get`, written in one of these ways. Left out where it is of no interest. */
  getBy?(way: Way, path: string): Promise<string>;
  /** POST of JSON, with its content type and length; resolves with the whole answer as text. */
  post(path: string, json: string): Promise<string>;
  /** GET, piece by piece, with backpressure. Left out where the library has no streams. */
  download?(path: string, take: Take): Promise<void>;
  /** GET, read in that way; resolves with how much there was: characters, bytes, or cookies. */
  read?(path: string, way: Reading): Promise<number>;
  /** POST of a stream whose length is announced. Left out where the library has none. */
  upload?(path: string, pieces: () => AsyncIterable<Uint8Array>, length: number): Promise<void>;
  close(): void | Promise<void>;
}

export interface ClientContender {
  /** Library and call, as the report names it. */
  readonly label: string;
  /** No HTTP client: what the machine allows, bytes counted and nothing parsed. */
  readonly isFloor?: true;
  /** Rejects or returns undefined for a target it is not made for (a plain floor and TLS). */
  start(target: ClientTarget): BenchClient | undefined | Promise<BenchClient | undefined>;
}

/** A running server: `GET /`, and for a framework `GET /users/:id/posts/:post?page=n`. */
export interface RunningServer {
  readonly port: number;
  close(): void | Promise<void>;
}

export interface ServerContender {
  readonly label: string;
  readonly isFloor?: true;
  /** Listens on a free port of 127.0.0.1. `upstream` is the origin a gateway calls. */
  start(upstream: string): Promise<RunningServer>;
}

/** The answer of `GET /`, as text/plain. */
export const HELLO = 'Hello World!';

/** The answer of `GET /users/:id/posts/:post?page=n`, as JSON. */
export interface PostAnswer {
  id: number;
  post: string;
  page: string;
}

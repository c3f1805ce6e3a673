/**
 * `HttpContext`: one request as a handler sees it. A façade over `Exchange`; everything that costs is made
 * when it is asked for.
 */
import type { ClientResponse, ConnectionPool, RequestInit, SendOptions } from '@hotaru/client';
import type { InjectionToken } from 'tsyringe';
import { CONSTANTS } from '../constants.js';
import type { RequestContainer } from '../di/container.js';
import { HotaruError } from '../errors.js';
import type { Logger } from '../log/logger.js';
import { invalidOption } from '../options.js';
import type { AnyParams, ParamValue } from '../routing/param-types.js';
import type { Match } from '../routing/router.js';
import type { Services } from '../services.js';
import type { Exchange } from './exchange.js';
import { formOf, jsonOf, textOf } from './request/body-readers.js';
import { Cookies } from './request/cookies.js';
import type { ParsedForm, UploadedFile } from './request/form.js';
import { fieldOf, RequestHeaders } from './request/headers-view.js';
import { emptyFields, findField, firstField, parsePairs, type FieldBag } from './request/query.js';
import { RequestStream } from './request/request-stream.js';
import { urlOf } from './request/request-target.js';
import { appendHeader, emptyHeaders, setHeader, type HeaderValue } from './response/headers.js';
import { checkStatus } from './response/response.js';
import { LocalStore, TypedStore } from './stores.js';

/** The exchange behind a context, for the framework's own parts. */
export let exchangeOf: (ctx: HttpContext) => Exchange;
/** Tells a context what its path matched. */
export let setMatch: (ctx: HttpContext, match: Match<unknown>) => void;

const NO_NAMES: readonly string[] = Object.freeze([]);
const NO_VALUES: readonly ParamValue[] = Object.freeze([]);

/**
 * @typeParam Params the types of the params, read from the endpoint's pattern.
 * @example
 * app.get('/users/<int:id>', async (ctx) => {
 *   const res = await ctx.sendRequest('https://users.internal', getRequest(`/v1/users/${ctx.param('id')}`));
 *   return json(await res.json());
 * });
 */
export class HttpContext<Params extends object = AnyParams> {
  readonly #exchange: Exchange;
  #names = NO_NAMES;
  #values = NO_VALUES;
  #query: FieldBag | undefined = undefined;
  #url: URL | undefined = undefined;
  #headers: RequestHeaders | undefined = undefined;
  #cookies: Cookies | undefined = undefined;
  #params: TypedStore | undefined = undefined;
  #locals: LocalStore | undefined = undefined;
  #container: RequestContainer | undefined = undefined;
  #stream: RequestStream | undefined = undefined;
  #form: Promise<ParsedForm> | undefined = undefined;

  static {
    exchangeOf = (ctx) => ctx.#exchange;
    setMatch = (ctx, match) => {
      ctx.#names = match.names;
      ctx.#values = match.values;
    };
  }

  /** @internal Contexts are made by the framework. */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  // ── the request line ───────────────────────────────────────────────────────────────────────────

  /** Upper case. */
  get method(): string {
    return this.#exchange.inbound.method;
  }

  /**
   * The path that was routed, without the query, in its one form: percent-encodings that are not needed are
   * undone, all others are in upper case, and an encoded slash stays `%2F`. It is `ctx.url.pathname`, and what
   * patterns match segment by segment; paths that could be read in two ways never get here (400).
   *
   * @example
   * if (ctx.path.startsWith('/admin/')) await requireAdmin(ctx); // also for /%61dmin/
   */
  get path(): string {
    return this.#exchange.path;
  }

  /** The text of the pattern that matched, the name of the endpoint: `/users/<int:id>`. Undefined when none did. */
  get pattern(): string | undefined {
    return this.#exchange.pattern;
  }

  /**
   * The whole URL; its path is `ctx.path`. Its host is what the client said: not to be trusted. Made on first
   * use.
   */
  get url(): URL {
    if (this.#url !== undefined) return this.#url;
    const { inbound, target } = this.#exchange;
    const scheme = inbound.isSecure ? 'https' : 'http';
    this.#url = urlOf(target, scheme, fieldOf(inbound, 'host'));
    return this.#url;
  }

  /** A param of the pattern, decoded; a number for `int`, `uint` and `decimal`. */
  param<Name extends keyof Params & string>(name: Name): Params[Name] {
    return this.#values[this.#names.indexOf(name)] as Params[Name];
  }

  /** The whole query: a bag without a prototype; a name given more than once has a list. */
  query(): Readonly<FieldBag>;
  /** The first value of that name. */
  query(name: string): string | undefined;
  query(name?: string): Readonly<FieldBag> | string | undefined {
    const { query } = this.#exchange.target;
    if (query === undefined) return name === undefined ? emptyFields() : undefined;
    // One name of a short query is found sooner than all of them are kept.
    if (
      name !== undefined &&
      this.#query === undefined &&
      query.length <= CONSTANTS.shortQueryChars
    )
      return findField(query, name);
    this.#query ??= parsePairs(query, Infinity) ?? emptyFields();
    return name === undefined ? this.#query : firstField(this.#query, name);
  }

  // ── headers and who is there ───────────────────────────────────────────────────────────────────

  /** The header fields of the request: `get()`, `getAll()`, `has()`, and iteration as `[name, value]`. */
  get headers(): RequestHeaders {
    return (this.#headers ??= new RequestHeaders(this.#exchange.inbound));
  }

  /** One header, whatever the case of its name: `ctx.headers.get(name)`. */
  header(name: string): string | undefined {
    return fieldOf(this.#exchange.inbound, name.toLowerCase());
  }

  get cookies(): Cookies {
    return (this.#cookies ??= new Cookies(this.header('cookie'), (setCookie) =>
      appendHeader((this.#exchange.headers ??= emptyHeaders()), 'set-cookie', setCookie),
    ));
  }

  /** The address at the other end of the connection: a proxy's, if there is one. */
  get ip(): string {
    return this.#exchange.inbound.remoteAddress;
  }

  // ── the body ───────────────────────────────────────────────────────────────────────────────────

  /** The whole body. @throws HttpError 413, 408 */
  bytes(): Promise<Uint8Array> {
    return this.#exchange.body.bytes();
  }

  /**
   * The body as text, in the charset it says (default UTF-8).
   *
   * @throws HttpError 413, 408; 415 for a charset or content-encoding not known here.
   */
  text(): Promise<string> {
    return textOf(this.#exchange);
  }

  /**
   * The body parsed as JSON. One that says nothing of its type is taken for JSON; one that says it is something
   * else is not: a form on a foreign page can send text, but not JSON.
   *
   * @throws HttpError 400 `HOTARU_BAD_JSON`; 415 for another type; else as `text()`.
   */
  // The caller names the type: what a client sends is a claim until it is checked.
  json<T = unknown>(): Promise<T> {
    return jsonOf(this.#exchange) as Promise<T>;
  }

  /** The fields of a form, URL-encoded or multipart; a name given more than once has a list. @throws HttpError 400, 408, 413, 415 */
  async form(): Promise<Readonly<FieldBag>> {
    return (await this.#parsedForm()).fields;
  }

  /** The files of a multipart form, in memory. @throws HttpError as `form()` */
  async files(): Promise<readonly UploadedFile[]> {
    return (await this.#parsedForm()).files;
  }

  /**
   * The body as it comes, for one reader, under the same limits: an async iterable, and a Node stream when asked
   * for (`ctx.stream.toReadable()`). A slow reader slows the client down.
   *
   * @throws HotaruError `HOTARU_REQUEST_BODY_USED` when it was read as a whole.
   */
  get stream(): RequestStream {
    return (this.#stream ??= new RequestStream(this.#exchange.body.stream()));
  }

  #parsedForm(): Promise<ParsedForm> {
    return (this.#form ??= formOf(this.#exchange));
  }

  // ── the response ───────────────────────────────────────────────────────────────────────────────

  /** The status of whatever is returned, unless that has its own. @throws HotaruError `HOTARU_INVALID_OPTION` */
  status(code: number): this {
    this.#exchange.status = checkStatus(code);
    return this;
  }

  /**
   * A header of whatever is returned, unless that has its own.
   *
   * @throws HotaruError `HOTARU_INVALID_HEADER` for what cannot be sent, `HOTARU_INVALID_STATE` when the head
   * is out already.
   */
  setHeader(name: string, value: HeaderValue): this {
    if (this.#exchange.isHeadSent)
      throw new HotaruError('HOTARU_INVALID_STATE', 'the head of the response was sent already');
    setHeader((this.#exchange.headers ??= emptyHeaders()), name, value);
    return this;
  }

  // ── for what is called further in ──────────────────────────────────────────────────────────────────

  /** Values by class. */
  get params(): TypedStore {
    return (this.#params ??= new TypedStore());
  }

  /** Values by name. */
  get locals(): LocalStore {
    return (this.#locals ??= new LocalStore());
  }

  // ── the app, and the way out ───────────────────────────────────────────────────────────────────

  get app(): Services['app'] {
    return this.#exchange.services.app;
  }

  /**
   * What ties this request's log lines together, and those of the services it calls: the `x-request-id` it came with,
   * if that is up to 128 letters, digits and `.:+/=@~_-`; else one made here.
   */
  get requestId(): string {
    return this.#exchange.correlation.requestId;
  }

  /** A logger that says request id, method and path with each line: use other names for your own fields. */
  get log(): Logger {
    return this.#exchange.log;
  }

  /** Aborts when the client leaves or the deadline passes before the response begins. */
  get signal(): AbortSignal {
    return this.#exchange.scope.signal;
  }

  /**
   * Aborts when the app begins to stop: for streams without an end, such as server-sent events. What has not
   * ended after `drainTimeout` is cut.
   *
   * @example
   * const events = subscribe();
   * ctx.draining.addEventListener('abort', () => events.end());
   * return stream(events, { headers: { 'content-type': 'text/event-stream' } });
   */
  get draining(): AbortSignal {
    return this.#exchange.draining;
  }

  /**
   * Work that may go on after the response: an entry in an audit log, the filling of a cache. Without this,
   * the calls of a request end with its response. Until the promise is settled, calls of this context go on
   * and may be made, also when the client leaves or the deadline passes, and have no deadline but their own;
   * `app.stop()` waits for the promise, within `drainTimeout`. What it rejects with is logged.
   *
   * To be called before the response is out; later, the promise is waited for, but calls are refused.
   *
   * @throws HotaruError `HOTARU_INVALID_OPTION` for what is no promise.
   * @example
   * ctx.waitUntil(ctx.sendRequest('https://audit.internal', jsonRequest('/entries', entry)));
   * return json(result);
   */
  waitUntil(promise: PromiseLike<unknown>): void {
    if (typeof (promise as Partial<PromiseLike<unknown>> | undefined)?.then !== 'function')
      throw invalidOption(
        'ctx.waitUntil()',
        promise,
        'a promise; call a function first: ctx.waitUntil(work())',
      );
    this.#exchange.waitUntil(promise);
  }

  /**
   * `performance.now()` by which the response has to begin (`safety.requestTimeout`); `Infinity` is never, or
   * it has begun.
   */
  get deadline(): number {
    return this.#exchange.deadlineMs;
  }

  /** The app's pool. Calls made on it directly inherit nothing: see `sendRequest`. */
  get pool(): ConnectionPool {
    return this.#exchange.services.pool;
  }

  /**
   * A call on the app's pool that ends with this request: it has at most the time this request has left, is
   * aborted when the client leaves, and its body is given up when the handler leaves it unread.
   *
   * @throws HotaruClientError; uncaught, it becomes a 502, 503 or 504.
   * @example
   * const res = await ctx.sendRequest('https://api.example.com', getRequest('/users/1'), { timeout: '2s' });
   */
  sendRequest(
    target: string | URL,
    request?: RequestInit,
    options?: SendOptions,
  ): Promise<ClientResponse> {
    return this.pool.sendRequest(target, request, options, this.#exchange.scope);
  }

  /**
   * From the app's container, in a scope of this request's own. Made on first use; what it makes for this
   * request alone (`Lifecycle.ContainerScoped`) is disposed of when the request is over: its response is out,
   * its handler has returned, the promises of `waitUntil()` are settled.
   *
   * @throws HotaruError `HOTARU_INVALID_INJECTION`; `HOTARU_INVALID_STATE` when the request is over.
   */
  resolve<T>(token: InjectionToken<T>): T {
    const exchange = this.#exchange;
    if (exchange.isOver)
      throw new HotaruError(
        'HOTARU_INVALID_STATE',
        'the request is over, and what was made for it is disposed of; use ctx.waitUntil(), or app.container.resolve()',
      );
    if (this.#container === undefined) {
      const container = exchange.services.requestContainer((child) =>
        child.registerInstance<HttpContext>(HttpContext, this as unknown as HttpContext),
      );
      this.#container = container;
      exchange.onOver(() =>
        exchange.services.background.add(container.dispose(exchange.log), () => undefined),
      );
    }
    return this.#container.resolve(token);
  }
}

/**
 * `App`: options, registration, and the ways in: a socket (`start`, `run`), another server
 * (`handler`), none at all (`inject`). Its life is app-loop.ts, the way of a request dispatcher.ts.
 */
import { ConnectionPool } from '@hotaru/client';
import type { DependencyContainer } from 'tsyringe';
import { AppLoop, type AppState, type Listening } from './app-loop.js';
import { checkAppOptions, type AppOptions, type Mode } from './app-options.js';
import { AppServices } from './app-services.js';
import { AppContainer } from './di/container.js';
import { Dispatcher } from './dispatcher.js';
import { controllerHandlers, type ControllerInput } from './endpoint/controller-handlers.js';
import {
  checkEndpointMethods,
  Endpoint,
  type EndpointOptions,
  type Handler,
} from './endpoint/endpoint.js';
import { HotaruError } from './errors.js';
import type { HttpSafety } from './http/request/safety.js';
import { refusalAnswer } from './http/response/problem.js';
import type { InboundHost } from './inbound/inbound.js';
import { inject, type InjectedResponse, type InjectOptions } from './inbound/node-http/inject.js';
import {
  nodeHandler,
  NodeServer,
  type HttpServer,
  type NodeHandler,
} from './inbound/node-http/server.js';
import type { Logger } from './log/logger.js';
import { checkMiddleware } from './middleware/chain.js';
import type { Middleware } from './middleware/compose.js';
import { checkKeys } from './options.js';
import type { ParamsOf } from './routing/param-types.js';
import { ANY_METHOD } from './routing/router.js';

declare module './services.js' {
  interface Services {
    readonly app: App;
  }
}

/** Registers a handler for one method. */
export interface Register {
  <const Pattern extends string>(pattern: Pattern, handler: Handler<ParamsOf<Pattern>>): App;
  <const Pattern extends string>(
    pattern: Pattern,
    options: EndpointOptions,
    handler: Handler<ParamsOf<Pattern>>,
  ): App;
}

/**
 * @throws HotaruError `HOTARU_INVALID_OPTION`, `HOTARU_INVALID_BINDING`; HotaruClientError
 * `HOTARU_INVALID_CONFIG` for a bad pool configuration.
 * @example
 * const app = new App({ binding: ':3003' });
 * app.get('/users/<int:id>', async (ctx) => {
 *   const res = await ctx.sendRequest('https://users.internal', getRequest(`/v1/users/${ctx.param('id')}`));
 *   return json(await res.json());
 * });
 * await app.run();
 */
export class App {
  readonly mode: Mode;
  /** The limits of inbound requests. */
  readonly safety: HttpSafety;
  readonly log: Logger;
  readonly container: DependencyContainer;

  /** GET, and HEAD with it. */
  readonly get: Register = this.#verb('GET');
  readonly post: Register = this.#verb('POST');
  readonly put: Register = this.#verb('PUT');
  readonly patch: Register = this.#verb('PATCH');
  readonly delete: Register = this.#verb('DELETE');
  /** HEAD alone; GET serves it otherwise. */
  readonly head: Register = this.#verb('HEAD');
  /** OPTIONS alone; it is answered with `Allow` otherwise. */
  readonly options: Register = this.#verb('OPTIONS');
  /** Every method that has no endpoint of its own on the pattern. */
  readonly any: Register = this.#verb(ANY_METHOD);

  /**
   * For another server, or `supertest(app.handler)`. What such a server does before it calls
   * this (limits of its parser, `Expect`) is its own.
   */
  readonly handler: NodeHandler;

  readonly #containerPart: AppContainer;
  readonly #pool: ConnectionPool | undefined;
  readonly #services: AppServices;
  readonly #dispatcher: Dispatcher;
  readonly #loop: AppLoop;
  readonly #preparations: (() => void)[] = [];
  readonly #host: InboundHost;
  #server: NodeServer | undefined = undefined;

  constructor(options: AppOptions = {}) {
    const checked = checkAppOptions(options);
    const { mode, safety, log, binding, warm, drainTimeoutMs, drainDelayMs, pool, ownsPool } =
      checked;
    this.mode = mode;
    this.safety = safety;
    this.log = log;
    this.#pool = pool;
    this.#containerPart = new AppContainer(options.container, App);
    this.container = this.#containerPart.container;
    this.#containerPart.provide(this, () => this.pool, this.log);

    const services = new AppServices(this, this.#containerPart, checked);
    this.#services = services;
    this.#dispatcher = new Dispatcher(services, this.safety);
    this.#host = {
      takesOver: false,
      accept: (inbound) => this.#dispatcher.accept(inbound),
      refuse: (problem, reason) => {
        services.requests.refused(problem, reason);
        return refusalAnswer(problem);
      },
      failed: (error) => services.log.error({ err: error }, 'the server reports an error'),
    };
    this.handler = nodeHandler(this.#host);
    this.#loop = new AppLoop({
      binding,
      drainTimeoutMs,
      drainDelayMs,
      warm,
      ownsPool,
      log: services.log,
      requests: services.requests,
      pool: () => this.pool,
      server: () => this.#inboundServer,
      prepare: () => this.#preparations.forEach((prepare) => prepare()),
      draining: services.draining,
      cutRequests: () => this.#dispatcher.cutAll(),
      background: services.background,
      dispose: () => this.#containerPart.dispose(services.log),
    });
  }

  /** The pool of `ctx.pool` and `ctx.sendRequest()`. */
  get pool(): ConnectionPool {
    return this.#pool ?? ConnectionPool.global();
  }

  get state(): AppState {
    return this.#loop.state;
  }

  /**
   * Aborts when the app begins to stop: for what would go on for ever and belongs to no request, such as
   * sockets that `app.server.on('upgrade', …)` was given. A handler has `ctx.draining`.
   */
  get draining(): AbortSignal {
    return this.#services.draining.signal;
  }

  /** The app's own server; it does not listen until `start()`. */
  get server(): HttpServer {
    return this.#inboundServer.server;
  }

  // ── registration ───────────────────────────────────────────────────────────────────────────────

  /** App-wide middleware, outermost first. Endpoints registered before get it too. */
  use(...middleware: Middleware[]): this {
    for (const [index, entry] of middleware.entries())
      this.#dispatcher.middleware.push(checkMiddleware(`app.use(): middleware ${index}`, entry));
    return this;
  }

  /**
   * @param options `methods` (default `['GET']`), `middleware`, `safety`.
   * @throws HotaruError `HOTARU_INVALID_PATTERN`, `HOTARU_INVALID_OPTION`, `HOTARU_DUPLICATE_ENDPOINT`.
   * @example
   * app.endpoint('/notes/<int:id>', { methods: ['GET', 'PUT'], middleware: ['..', auth] }, handler);
   */
  endpoint<const Pattern extends string>(
    pattern: Pattern,
    handler: Handler<ParamsOf<Pattern>>,
  ): this;
  endpoint<const Pattern extends string>(
    pattern: Pattern,
    options: EndpointOptions & { methods?: readonly string[] | undefined },
    handler: Handler<ParamsOf<Pattern>>,
  ): this;
  endpoint(
    pattern: string,
    optionsOrHandler:
      (EndpointOptions & { methods?: readonly string[] | undefined }) | Handler<never>,
    handler?: Handler<never>,
  ): this {
    if (typeof optionsOrHandler === 'function') {
      refuseThird(pattern, handler);
      return this.#add(['GET'], pattern, {}, optionsOrHandler);
    }
    checkKeys('endpoint', optionsOrHandler, ['methods', 'middleware', 'safety']);
    const { methods = ['GET'], ...options } = optionsOrHandler;
    return this.#add(checkEndpointMethods(methods), pattern, options, handler);
  }

  /**
   * The endpoints of a decorated class: made by the container, once, or once per request when it is
   * `@scoped(Lifecycle.ContainerScoped)`. Or of an instance, or of what a factory makes: without metadata.
   *
   * @throws HotaruError `HOTARU_INVALID_CONTROLLER`, and as `endpoint()`.
   * @example app.controller(UserRoutes).controller((container) => new Other(container.resolve(Clock)));
   */
  controller(target: ControllerInput): this {
    const { routes, prepare } = controllerHandlers(target, this.#containerPart);
    for (const { methods, pattern, options, handler } of routes)
      this.#add(methods, pattern, options, handler);
    if (prepare !== undefined) this.#preparations.push(prepare);
    return this;
  }

  // ── the ways in ────────────────────────────────────────────────────────────────────────────────

  /**
   * Listens. Resolves when it does.
   *
   * @throws HotaruError `HOTARU_BINDING_FAILED`, `HOTARU_INVALID_STATE` when it has started or was stopped.
   */
  start(): Promise<Listening> {
    return this.#loop.start();
  }

  /** Finishes what is in flight, within `drainTimeout`, and stops for good. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /**
   * The app loop: starts (unless `start()` did), and resolves when the app has stopped, told by SIGINT, SIGTERM,
   * `signal` or `stop()`. A second SIGINT or SIGTERM ends the process at once.
   *
   * @throws as `start()`
   */
  async run(options: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkKeys('run', options, ['signal']);
    await this.#loop.run(options.signal);
  }

  /**
   * A request without a socket, through the same parser, limits and middleware.
   *
   * @example
   * const res = await app.inject({ method: 'POST', path: '/users', body: { name: 'Ada' } });
   * res.status; await res.json();
   */
  inject(options: InjectOptions): Promise<InjectedResponse> {
    return inject(this.server, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #inboundServer(): NodeServer {
    return (this.#server ??= new NodeServer(this.#host, this.safety));
  }

  #verb(method: string): Register {
    return (
      pattern: string,
      optionsOrHandler: EndpointOptions | Handler<never>,
      handler?: Handler<never>,
    ): App => {
      if (typeof optionsOrHandler !== 'function')
        // Without either, it is the handler that is missing.
        return this.#add(
          [method],
          pattern,
          isMissing(optionsOrHandler) ? {} : optionsOrHandler,
          handler,
        );
      refuseThird(pattern, handler);
      return this.#add([method], pattern, {}, optionsOrHandler);
    };
  }

  #add(
    methods: readonly string[],
    pattern: string,
    options: EndpointOptions,
    handler: Handler<never> | undefined,
  ): this {
    const { router, middleware } = this.#dispatcher;
    const endpoint = new Endpoint(pattern, options, handler, this.safety, middleware);
    router.add(endpoint.pattern, methods, endpoint);
    return this;
  }
}

function isMissing(value: unknown): value is undefined {
  return value === undefined;
}

/** Express takes middleware there: to overlook it would leave the endpoint without its guard. */
function refuseThird(pattern: string, more: unknown): void {
  if (more === undefined) return;
  throw new HotaruError(
    'HOTARU_INVALID_OPTION',
    `${pattern} has two functions; middleware is an option: app.get(pattern, { middleware: ['..', guard] }, handler)`,
  );
}

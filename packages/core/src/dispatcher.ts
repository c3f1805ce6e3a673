/**
 * The way of a request: head checks → route → limits of the endpoint → its chain → response.
 *
 * A handler that is synchronous is answered in the same turn, without a promise. Whatever is refused before
 * an endpoint runs (404, 405, 413, …) still passes the app's middleware, so that a logger sees it.
 */
import { CONSTANTS } from './constants.js';
import type { Endpoint } from './endpoint/endpoint.js';
import { HotaruError } from './errors.js';
import { HttpContext, setMatch } from './http/context.js';
import { Exchange } from './http/exchange.js';
import { checkHeadSize } from './http/request/head-size.js';
import { fieldOf } from './http/request/headers-view.js';
import { bodyTooLarge } from './http/request/request-body.js';
import { readTarget, refusedTarget } from './http/request/request-target.js';
import type { HttpSafety } from './http/request/safety.js';
import { wireError, type HttpError } from './http/response/http-error.js';
import { problemResponse, toHttpError } from './http/response/problem.js';
import type { PumpResult } from './http/response/pump.js';
import { HttpResponse } from './http/response/response.js';
import { writeResponse } from './http/response/write-response.js';
import type { Inbound } from './inbound/inbound.js';
import { report, reportCut } from './log/report.js';
import { compose, isThenable, type Middleware } from './middleware/compose.js';
import { ANY_METHOD, Router } from './routing/router.js';
import type { Services } from './services.js';

export class Dispatcher {
  readonly router = new Router<Endpoint>();
  /** The app's middleware, outermost first. */
  readonly middleware: Middleware[] = [];
  readonly #services: Services;
  readonly #safety: HttpSafety;

  constructor(services: Services, safety: HttpSafety) {
    this.#services = services;
    this.#safety = safety;
  }

  accept(inbound: Inbound): void {
    const exchange = new Exchange(this.#services, this.#safety, inbound);
    const ctx = new HttpContext(exchange);
    try {
      const outcome = this.#run(exchange, ctx);
      if (isThenable(outcome)) {
        this.#services.requests.opened(exchange);
        // One that is no promise of the engine's own may call back twice.
        Promise.resolve(outcome).then(
          (value) => {
            this.#answer(exchange, value);
            exchange.handlerReturned();
          },
          (error: unknown) => {
            this.#fail(exchange, error);
            exchange.handlerReturned();
          },
        );
      } else {
        this.#answer(exchange, outcome);
        exchange.handlerReturned();
      }
    } catch (error) {
      this.#fail(exchange, error); // also of a `then` that throws
      exchange.handlerReturned();
    }
  }

  #run(exchange: Exchange, ctx: HttpContext): unknown {
    let endpoint: Endpoint;
    try {
      endpoint = this.#admit(exchange, ctx);
    } catch (error) {
      this.#startDeadline(exchange);
      return this.#refuse(ctx, error);
    }
    this.#startDeadline(exchange);
    return endpoint.run(ctx);
  }

  #startDeadline(exchange: Exchange): void {
    if (exchange.safety.requestTimeout !== Infinity)
      exchange.startDeadline(exchange.safety.requestTimeout, () =>
        this.#fail(exchange, this.#tookTooLong(exchange)),
      );
  }

  #tookTooLong(exchange: Exchange): HttpError {
    const why =
      `not answered within safety.requestTimeout (${exchange.safety.requestTimeout} ms)` +
      (exchange.callsAtDeadline.length > 0 ? '' : '; it was waiting for no upstream call');
    // The limits of a server are no business of its clients.
    const detail = this.#services.isDevelopment ? why : 'the request took too long';
    return wireError('HOTARU_DEADLINE_EXCEEDED', detail, {
      cause: new HotaruError('HOTARU_DEADLINE_EXCEEDED', why),
    });
  }

  /** Everything that can be said from the head alone, before a byte of the body is read. */
  #admit(exchange: Exchange, ctx: HttpContext): Endpoint {
    const { inbound } = exchange;
    const { method, flaw } = inbound;
    const appSafety = this.#safety;
    // Now: by the time it is answered, what follows has been parsed.
    if (flaw !== undefined) inbound.closeAfter();
    const isServerWide = inbound.target === '*' && method === 'OPTIONS';
    // First of all: whatever is refused below is logged, and passes middleware, under its path.
    if (!isServerWide) setTarget(exchange, inbound.target);
    if (flaw !== undefined) throw flaw;
    checkHeadSize(inbound, appSafety);
    if (isServerWide) throw new AutomaticOptions(this.#allowed(undefined));
    const { path } = exchange;
    const match = this.router.find(method, path);
    if (match === undefined) throw this.#unmatched(method, path);
    const endpoint = match.target;
    const { safety } = endpoint;
    exchange.pattern = endpoint.pattern.text;
    if (match.values.length > 0) setMatch(ctx, match);
    if (!safety.allowsMethod(method)) {
      const allowed = this.#allowed(path).filter((name) => safety.allowsMethod(name));
      throw methodNotAllowed(method, allowed);
    }
    exchange.safety = safety;
    if (safety !== appSafety) checkHeadSize(inbound, safety);
    if (inbound.bodyLength !== 0) {
      if (inbound.bodyLength > safety.maxBodySize) throw bodyTooLarge(safety.maxBodySize);
      if (!safety.allowsContentType(fieldOf(inbound, 'content-type')))
        throw wireError('HOTARU_UNSUPPORTED_MEDIA_TYPE', 'this content type is not accepted here', {
          headers: { accept: safety.allowedContentTypes?.join(', ') },
        });
    }
    return endpoint;
  }

  #unmatched(method: string, path: string): Error {
    const allowed = this.#allowed(path);
    if (allowed.length === 0)
      return wireError('HOTARU_ROUTE_NOT_FOUND', 'no endpoint matches this path');
    return method === 'OPTIONS' && allowed.includes('OPTIONS')
      ? new AutomaticOptions(allowed)
      : methodNotAllowed(method, allowed);
  }

  /** For `Allow`: the methods of the path, or of the server, that may be used. */
  #allowed(path: string | undefined): readonly string[] {
    const all = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
    const methods = path === undefined ? new Set([ANY_METHOD]) : this.router.methodsFor(path);
    if (methods.size === 0) return [];
    if (methods.delete(ANY_METHOD)) for (const method of all) methods.add(method);
    if (methods.has('GET')) methods.add('HEAD');
    methods.add('OPTIONS');
    return [...methods].filter((method) => this.#safety.allowsMethod(method)).sort();
  }

  /** Runs the app's middleware around what has been decided already. */
  #refuse(ctx: HttpContext, refusal: unknown): unknown {
    return compose(this.middleware, () => {
      if (refusal instanceof AutomaticOptions)
        return new HttpResponse(null, undefined, {
          status: 204,
          headers: { allow: refusal.allowed.join(', ') },
        });
      throw refusal;
    })(ctx);
  }

  #answer(exchange: Exchange, outcome: unknown): void {
    let response: HttpResponse;
    try {
      response = exchange.respond(outcome);
    } catch (error) {
      this.#fail(exchange, error);
      return;
    }
    this.#write(exchange, response);
  }

  #write(exchange: Exchange, response: HttpResponse): void {
    if (!exchange.answer() || exchange.isGone) {
      // The deadline has answered, or the client has left: nothing must be left running.
      if (exchange.isGone) exchange.outcome = 'client-left';
      exchange.finish();
      return;
    }
    let written: Promise<PumpResult> | boolean;
    try {
      written = writeResponse(exchange, response);
    } catch (error) {
      this.#rewrite(exchange, error);
      return;
    }
    if (typeof written === 'boolean') this.#sent(exchange, written);
    else {
      this.#services.requests.opened(exchange);
      written.then(
        (result) => {
          if (result.outcome !== 'sent')
            exchange.outcome = result.outcome === 'cut' ? 'cut' : 'client-left';
          if (result.outcome === 'cut') reportCut(exchange, result.error);
          if (result.outcome === 'sent') this.#sent(exchange, result.isAllSent);
          else exchange.finish();
        },
        (error: unknown) => this.#rewrite(exchange, error),
      );
    }
  }

  /** The app has to stop: a request without a response gets a 503, a response that has begun is cut. */
  cutAll(): void {
    const reason = wireError('HOTARU_DRAIN_TIMEOUT', 'the server is stopping', {
      headers: { 'retry-after': CONSTANTS.retryAfterSeconds },
    });
    const { open } = this.#services.requests;
    for (const exchange of open) exchange.drainTimedOut(reason);
    for (const exchange of open)
      if (exchange.state === 'answered') {
        exchange.leave(reason);
        exchange.inbound.cut();
      }
    for (const exchange of open) if (exchange.state === 'open') this.#fail(exchange, reason);
  }

  #sent(exchange: Exchange, isAllSent: boolean): void {
    if (isAllSent) exchange.finish();
    else {
      this.#services.requests.opened(exchange);
      exchange.written();
    }
  }

  /** The response failed before anything of it was sent. */
  #rewrite(exchange: Exchange, error: unknown): void {
    if (exchange.reopen()) this.#fail(exchange, error);
    else {
      exchange.log.error({ err: error }, 'the response was cut');
      exchange.outcome = 'cut';
      exchange.inbound.cut();
      exchange.finish();
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    const problem = toHttpError(error, this.#services.isDevelopment);
    if (exchange.state === 'open' && !exchange.isGone) report(exchange, problem);
    else exchange.log.debug({ err: error }, 'a handler failed after its request was over');
    exchange.hasFailed = true;
    if (exchange.state === 'open') exchange.errorCode = problem.code;
    if (exchange.state === 'open') exchange.dropRepresentation();
    this.#write(exchange, problemResponse(problem));
  }
}

/** Thrown where a 405 would be: the path is there, and OPTIONS is answered for it. */
class AutomaticOptions extends Error {
  readonly allowed: readonly string[];
  constructor(allowed: readonly string[]) {
    super('answered by the framework');
    this.allowed = allowed;
  }
}

function setTarget(exchange: Exchange, raw: string): void {
  try {
    exchange.target = readTarget(raw);
  } catch (error) {
    exchange.target = refusedTarget(raw);
    throw error;
  }
}

function methodNotAllowed(method: string, allowed: readonly string[]): HttpError {
  return wireError('HOTARU_METHOD_NOT_ALLOWED', `${method} is not allowed here`, {
    headers: { allow: allowed.join(', ') },
  });
}

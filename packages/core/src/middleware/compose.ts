/**
 * The onion: middleware around a handler, composed once.
 *
 * What a middleware returns becomes the outcome. When it returns nothing, what `next()` gave stands, so
 * `async (ctx, next) => { await next(); }` passes the response on, and so does a middleware that forgets
 * to await: the chain awaits `next()` for it, and no rejection gets lost.
 */
import { HotaruError } from '../errors.js';
import { exchangeOf, type HttpContext } from '../http/context.js';
import type { Exchange } from '../http/exchange.js';
import type { HttpResponse, Outcome } from '../http/response.js';

/** Runs the rest of the chain. Resolves with its response, which may still be changed. */
export type Next = () => Promise<HttpResponse>;

/**
 * @example
 * const timed: Middleware = async (ctx, next) => {
 *   const start = performance.now();
 *   const response = await next();
 *   ctx.setHeader('server-timing', `app;dur=${performance.now() - start}`);
 *   return response;
 * };
 */
export type Middleware = (ctx: HttpContext, next: Next) => Outcome | Promise<Outcome>;

/** The rest of a chain, from one of its layers on. */
type Invoke = (ctx: HttpContext) => Promise<HttpResponse>;

/** What a chain comes down to. */
export type Run = (ctx: HttpContext) => unknown;

export function compose(middleware: readonly Middleware[], handler: Run): Run {
  const invokeHandler: Invoke = (ctx) => invoke(handler, ctx, true);
  let inner = invokeHandler;
  let run = handler;
  for (const outer of middleware.toReversed()) {
    const layer = wrap(outer, inner);
    inner = (ctx) => invoke(layer, ctx, false);
    run = layer;
  }
  return run;
}

function wrap(middleware: Middleware, inner: Invoke): Run {
  return (ctx) => {
    let passed: Promise<HttpResponse> | undefined;
    const result: unknown = middleware(ctx, () => {
      if (passed !== undefined)
        throw new HotaruError(
          'HOTARU_NEXT_CALLED_TWICE',
          `the middleware ${middleware.name || '(without a name)'} called next() twice`,
        );
      passed = inner(ctx);
      // A middleware may answer by itself and never look at this promise again.
      passed.catch(ignore);
      return passed;
    });
    // One promise for each layer: what this one resolves with is the response that the next one out gets.
    if (isThenable(result))
      return result.then((value) =>
        value === undefined && passed !== undefined ? passed : exchangeOf(ctx).respond(value),
      );
    return result === undefined ? passed : result;
  };
}

/** The rest of the chain as a response: what it throws at once rejects, too. */
function invoke(run: Run, ctx: HttpContext, isHandler: boolean): Promise<HttpResponse> {
  try {
    const outcome = run(ctx);
    if (!isThenable(outcome)) return Promise.resolve(exchangeOf(ctx).respond(outcome));
    if (isHandler) return handled(Promise.resolve(outcome), exchangeOf(ctx));
    return Promise.resolve(outcome as PromiseLike<HttpResponse>); // a layer's: see wrap()
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A middleware may answer before its handler has returned: until then the request is not over. */
function handled(outcome: Promise<unknown>, exchange: Exchange): Promise<HttpResponse> {
  exchange.handlerWaits();
  return outcome.then(
    (value) => {
      exchange.handlerSettled();
      return exchange.respond(value);
    },
    (error: unknown) => {
      exchange.handlerSettled();
      throw error;
    },
  );
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function ignore(): void {
  // see above
}

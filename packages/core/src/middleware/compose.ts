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
import type { HttpResponse, Outcome } from '../http/response/response.js';

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
  let inner: Invoke = (ctx) => invokeHandler(handler, ctx);
  let run = handler;
  for (const outer of middleware.toReversed()) {
    const layer = wrap(outer, inner);
    inner = (ctx) => invoke(layer, ctx);
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
      return (passed = inner(ctx));
    });
    // One promise for each layer: what this one resolves with is the response that the next one out gets.
    if (isThenable(result))
      return after(result, (value) => {
        if (value !== undefined) return exchangeOf(ctx).respond(value);
        if (passed !== undefined) return passed;
        mentionSilence(middleware, ctx);
        return exchangeOf(ctx).respond(value);
      });
    if (result !== undefined) return result;
    if (passed === undefined) mentionSilence(middleware, ctx);
    return passed;
  };
}

/** A guard that forgot to throw, or `next()` that was never called: a 204, which looks like success. */
function mentionSilence(middleware: Middleware, ctx: HttpContext): void {
  const exchange = exchangeOf(ctx);
  // A status that was set is an answer on purpose.
  if (!exchange.services.isDevelopment || exchange.status !== 0) return;
  exchange.log.warn(
    `the middleware ${middleware.name || '(without a name)'} called no next() and returned nothing: ` +
      'that is a 204; return status(204) if it is meant, or throw an HttpError',
  );
}

/** The rest of the chain as a response: what it throws at once rejects, too. */
function invoke(layer: Run, ctx: HttpContext): Promise<HttpResponse> {
  try {
    const outcome = layer(ctx);
    return isThenable(outcome)
      ? (outcome as Promise<HttpResponse>) // see wrap()
      : Promise.resolve(exchangeOf(ctx).respond(outcome));
  } catch (error) {
    return rejected(error);
  }
}

function invokeHandler(handler: Run, ctx: HttpContext): Promise<HttpResponse> {
  try {
    const outcome = handler(ctx);
    const exchange = exchangeOf(ctx);
    if (!isThenable(outcome)) return Promise.resolve(exchange.respond(outcome));
    // A middleware may answer before its handler has returned: until then the request is not over.
    exchange.handlerWaits();
    return after(outcome, (value) => exchange.respond(value), exchange);
  } catch (error) {
    return rejected(error);
  }
}

/**
 * As `then`. A middleware may answer by itself and never look at the promise that it was given: when that
 * rejects, it must not be an unhandled rejection. That is seen to when it comes to it: a promise for each layer
 * of each request, only to look away from a failure, would cost as much as the layer. `waiting` hears when the
 * handler has settled.
 */
function after(
  outcome: PromiseLike<unknown>,
  then: (value: unknown) => HttpResponse | Promise<HttpResponse>,
  waiting?: Exchange,
): Promise<HttpResponse> {
  const promise: Promise<HttpResponse> = Promise.resolve(outcome).then(
    (value) => {
      waiting?.handlerSettled();
      try {
        const next = then(value);
        if (next instanceof Promise) promise.catch(ignore);
        return next;
      } catch (error) {
        promise.catch(ignore);
        throw error;
      }
    },
    (error: unknown) => {
      waiting?.handlerSettled();
      promise.catch(ignore);
      throw error;
    },
  );
  return promise;
}

function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function ignore(): void {
  // see after()
}

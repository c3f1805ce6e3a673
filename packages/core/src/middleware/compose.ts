/**
 * The onion: middleware around a handler, composed once.
 *
 * What a middleware returns becomes the outcome. When it returns nothing, what `next()` gave stands, so
 * `async (ctx, next) => { await next(); }` passes the response on, and so does a middleware that forgets
 * to await: the chain awaits `next()` for it, and no rejection gets lost.
 */
import { HotaruError } from '../errors.js';
import { exchangeOf, type HttpContext } from '../http/context.js';
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

/** What a chain comes down to. */
export type Run = (ctx: HttpContext) => unknown;

export function compose(middleware: readonly Middleware[], handler: Run): Run {
  return middleware.reduceRight<Run>((inner, outer) => wrap(outer, inner), handler);
}

function wrap(middleware: Middleware, inner: Run): Run {
  return (ctx) => {
    let passed: Promise<HttpResponse> | undefined;
    const result: unknown = middleware(ctx, () => {
      if (passed !== undefined)
        throw new HotaruError(
          'HOTARU_NEXT_CALLED_TWICE',
          `the middleware ${middleware.name || '(without a name)'} called next() twice`,
        );
      passed = invoke(inner, ctx);
      // A middleware may answer by itself and never look at this promise again.
      passed.catch(ignore);
      return passed;
    });
    if (isThenable(result)) return result.then((value) => (value === undefined ? passed : value));
    return result === undefined ? passed : result;
  };
}

async function invoke(run: Run, ctx: HttpContext): Promise<HttpResponse> {
  return exchangeOf(ctx).respond(await run(ctx));
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

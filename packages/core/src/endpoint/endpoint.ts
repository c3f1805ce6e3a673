/** `Endpoint`: what is registered for a pattern, checked once, and composed on its first request. */
import { HotaruError } from '../errors.js';
import type { HttpContext } from '../http/context.js';
import { checkMethods, HttpSafety, type HttpSafetyOptions } from '../http/request/safety.js';
import type { Outcome } from '../http/response/response.js';
import { checkMiddlewareList, spliceChain, type MiddlewareList } from '../middleware/chain.js';
import { compose, type Middleware, type Run } from '../middleware/compose.js';
import { checkKeys, invalidOption } from '../options.js';
import type { AnyParams } from '../routing/param-types.js';
import { parsePattern, type Pattern } from '../routing/pattern.js';

/** What answers a request. */
export type Handler<Params extends object = AnyParams> = (
  ctx: HttpContext<Params>,
) => Outcome | Promise<Outcome>;

/** What an endpoint says besides its pattern and its handler. */
export interface EndpointOptions {
  /** Omitted: the app's. `['..', a]`, `[a, '..']`: the app's and more. `[a]`: only a. `[]`: none. */
  middleware?: MiddlewareList | undefined;
  /** Laid over the app's: what is said here wins. */
  safety?: HttpSafety | HttpSafetyOptions | undefined;
}

export class Endpoint {
  readonly pattern: Pattern;
  /** The app's limits, with this endpoint's over them. */
  readonly safety: HttpSafety;
  readonly #handler: Run;
  readonly #middleware: MiddlewareList | undefined;
  readonly #inherited: readonly Middleware[];
  #run: Run | undefined = undefined;
  #composedWith = -1;

  /** @param inherited the app's middleware: a list that may still grow. */
  constructor(
    pattern: string,
    options: EndpointOptions,
    handler: Handler<never> | undefined,
    appSafety: HttpSafety,
    inherited: readonly Middleware[],
  ) {
    checkKeys('endpoint', options, ['middleware', 'safety']);
    if (typeof handler !== 'function')
      throw invalidOption(`the handler of ${pattern}`, handler, 'a function (ctx) => …');
    this.pattern = parsePattern(pattern);
    this.#handler = handler as Run;
    this.#middleware =
      options.middleware === undefined
        ? undefined
        : checkMiddlewareList('endpoint.middleware', options.middleware);
    this.#inherited = inherited;
    this.safety = overlaySafety(pattern, options.safety, appSafety);
  }

  /** Composed once; again only after `app.use()`. */
  get run(): Run {
    if (this.#run === undefined || this.#composedWith !== this.#inherited.length) {
      this.#composedWith = this.#inherited.length;
      this.#run = compose(spliceChain(this.#middleware, this.#inherited), this.#handler);
    }
    return this.#run;
  }
}

/** At least one. @throws HotaruError `HOTARU_INVALID_OPTION` */
export function checkEndpointMethods(value: unknown): readonly string[] {
  const methods = [...new Set(checkMethods('endpoint.methods', value))];
  if (methods.length === 0) throw invalidOption('endpoint.methods', value, 'at least one method');
  return methods;
}

function overlaySafety(
  pattern: string,
  own: EndpointOptions['safety'],
  appSafety: HttpSafety,
): HttpSafety {
  if (own === undefined) return appSafety;
  const safety = appSafety.overlay(own);
  // By the time an endpoint is known, the head has been read.
  if (safety.headersTimeout !== appSafety.headersTimeout)
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `safety.headersTimeout (${safety.headersTimeout}) of ${pattern}: only the app can set it`,
    );
  if (safety.maxHeaderSize > appSafety.maxHeaderSize)
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `safety.maxHeaderSize (${safety.maxHeaderSize}) of ${pattern}: allowed: up to the app's ${appSafety.maxHeaderSize}`,
    );
  if (safety.maxHeaders > appSafety.maxHeaders)
    throw new HotaruError(
      'HOTARU_INVALID_OPTION',
      `safety.maxHeaders (${safety.maxHeaders}) of ${pattern}: allowed: up to the app's ${appSafety.maxHeaders}`,
    );
  return safety;
}

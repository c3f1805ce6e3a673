/** `ctx.cookies`: reading the request's, setting the response's (RFC 6265bis), over the `cookie` package. */
import { parseCookie, stringifySetCookie, type SerializeOptions } from 'cookie';
import { HotaruError } from '../../errors.js';

/** Of one cookie. Default: `path: '/'`, `httpOnly: true`, `sameSite: 'lax'`. */
export type CookieOptions = Omit<SerializeOptions, 'encode'>;

const DEFAULTS: CookieOptions = Object.freeze({ path: '/', httpOnly: true, sameSite: 'lax' });

/**
 * @example
 * const theme = ctx.cookies.get('theme') ?? 'dark';
 * ctx.cookies.set('theme', theme, { maxAge: 86_400, secure: true });
 */
export class Cookies {
  readonly #header: string | undefined;
  readonly #append: (setCookie: string) => void;
  #parsed: Readonly<Record<string, string | undefined>> | undefined = undefined;

  constructor(header: string | undefined, append: (setCookie: string) => void) {
    this.#header = header;
    this.#append = append;
  }

  /** What the client sent; a bag without a prototype. */
  all(): Readonly<Record<string, string | undefined>> {
    return (this.#parsed ??= parseCookie(this.#header ?? ''));
  }

  get(name: string): string | undefined {
    return this.all()[name];
  }

  /**
   * Values are percent-encoded; `maxAge` is seconds.
   *
   * @throws HotaruError `HOTARU_INVALID_HEADER` for a name or attribute that a cookie cannot have.
   */
  set(name: string, value: string, options?: CookieOptions): this {
    try {
      this.#append(stringifySetCookie(name, value, { ...DEFAULTS, ...options }));
    } catch (error) {
      throw new HotaruError(
        'HOTARU_INVALID_HEADER',
        `the cookie ${JSON.stringify(name)} cannot be sent`,
        {
          cause: error,
        },
      );
    }
    return this;
  }

  /** Tells the client to forget it; `path` and `domain` must be those it was set with. */
  delete(name: string, options?: CookieOptions): this {
    return this.set(name, '', { ...options, maxAge: 0, expires: new Date(0) });
  }
}

/**
 * `HttpSafety`: the limits an inbound request is held to. One table says what each is, its default and why;
 * head-size.ts, request-body.ts and, in inbound/node-http/, server.ts and write-clock.ts enforce them.
 */
import { METHODS } from '../../inbound/node-http/methods.js';
import {
  checkCount,
  checkDuration,
  checkKeys,
  checkSize,
  invalidOption,
  type Duration,
  type Size,
} from '../../options.js';

/** Limits as a user writes them. Sizes are bytes or text such as `'10mb'`, durations ms or text such as `'5s'`. */
export interface HttpSafetyOptions {
  /** Bytes of one request body. Default 10 MiB. `Infinity`: no limit. → 413 */
  maxBodySize?: Size | undefined;
  /** Bytes of the request line and all header fields. Default 64 KiB. An endpoint can only lower it. → 431 */
  maxHeaderSize?: Size | undefined;
  /** Header fields. Default 100. → 431 */
  maxHeaders?: number | undefined;
  /** Default: all. HEAD goes with GET. → 405 */
  allowedMethods?: readonly string[] | undefined;
  /** Types of a request body, `image/*` for a family. Default: all. → 415 */
  allowedContentTypes?: readonly string[] | undefined;
  /** For the whole request head. Default 30 s. The app's only. → 408 */
  headersTimeout?: Duration | undefined;
  /** The longest pause of a request body while it is being read. Default 30 s. → 408 */
  bodyTimeout?: Duration | undefined;
  /**
   * How long a client may take nothing of a response that is ready for it. Default 30 s. `Infinity`: no limit. Then
   * the response is cut, and calls made for it are aborted.
   */
  writeTimeout?: Duration | undefined;
  /**
   * From the request head to the beginning of the response: the deadline, for calls made meanwhile, too. Then a
   * stream has `writeTimeout`, and its calls their own. Default none. → 504
   */
  requestTimeout?: Duration | undefined;
}

interface Limits {
  readonly maxBodySize: number;
  readonly maxHeaderSize: number;
  readonly maxHeaders: number;
  readonly allowedMethods: readonly string[] | undefined;
  readonly allowedContentTypes: readonly string[] | undefined;
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly writeTimeout: number;
  readonly requestTimeout: number;
}
type LimitName = keyof Limits;
type Check<Value> = (key: string, value: unknown) => Value;

/** The defaults, with the reason for each. */
export const SAFETY_DEFAULTS: Limits = Object.freeze({
  maxBodySize: 10 * 1_048_576, // a photo or a large document; uploads beyond it are a decision
  maxHeaderSize: 65_536, // cookies and tokens grow; below what a connection may cost
  maxHeaders: 100, // browsers behind two proxies send some 30
  allowedMethods: undefined, // the endpoints say which methods exist
  allowedContentTypes: undefined,
  headersTimeout: 30_000, // a head is one packet or two; a slow-loris is thousands
  bodyTimeout: 30_000, // a lossy link recovers well within it
  writeTimeout: 30_000, // as for bodies: one that reads at all takes something; one that does not holds an upstream
  requestTimeout: Infinity, // streams have no natural end; set it where answers do
});

const CHECKS: { readonly [Name in LimitName]: Check<Limits[Name]> } = {
  maxBodySize: (key, value) => checkSize(key, value, 0, true),
  maxHeaderSize: (key, value) => checkSize(key, value, 1, false),
  maxHeaders: (key, value) => checkCount(key, value, 1, false),
  allowedMethods: (key, value) => checkMethods(key, value),
  allowedContentTypes: checkTypes,
  headersTimeout: (key, value) => checkDuration(key, value, false),
  bodyTimeout: (key, value) => checkDuration(key, value, true),
  writeTimeout: (key, value) => checkDuration(key, value, true),
  requestTimeout: (key, value) => checkDuration(key, value, true),
};
const LIMIT_NAMES = Object.keys(CHECKS) as LimitName[];

/**
 * @throws HotaruError `HOTARU_INVALID_OPTION` for an unknown key or a bad value.
 * @example
 * const base = new HttpSafety({ maxBodySize: 1_000_000 });
 * base.overlay({ maxBodySize: 5_000_000 }).maxBodySize; // 5000000: the explicit value wins
 * base.merge({ maxBodySize: 5_000_000 }).maxBodySize;   // 1000000: the stricter side wins
 */
export class HttpSafety implements Limits {
  readonly maxBodySize: number;
  readonly maxHeaderSize: number;
  readonly maxHeaders: number;
  /** Upper case; undefined is all. */
  readonly allowedMethods: readonly string[] | undefined;
  /** Lower case; undefined is all. */
  readonly allowedContentTypes: readonly string[] | undefined;
  /** ms */
  readonly headersTimeout: number;
  /** ms */
  readonly bodyTimeout: number;
  /** ms; `Infinity` is none. */
  readonly writeTimeout: number;
  /** ms; `Infinity` is none. */
  readonly requestTimeout: number;
  readonly #explicit: Partial<Limits>;

  constructor(options: HttpSafetyOptions = {}) {
    const explicit = checkLimits(options);
    const limits = { ...SAFETY_DEFAULTS, ...explicit };
    this.#explicit = explicit;
    this.maxBodySize = limits.maxBodySize;
    this.maxHeaderSize = limits.maxHeaderSize;
    this.maxHeaders = limits.maxHeaders;
    this.allowedMethods = limits.allowedMethods;
    this.allowedContentTypes = limits.allowedContentTypes;
    this.headersTimeout = limits.headersTimeout;
    this.bodyTimeout = limits.bodyTimeout;
    this.writeTimeout = limits.writeTimeout;
    this.requestTimeout = limits.requestTimeout;
    Object.freeze(this);
  }

  static from(input: HttpSafety | HttpSafetyOptions): HttpSafety {
    return input instanceof HttpSafety ? input : new HttpSafety(input);
  }

  /** Was the limit given, rather than left at its default? */
  isExplicit(name: LimitName): boolean {
    return name in this.#explicit;
  }

  /** What `over` says explicitly, over this. */
  overlay(over: HttpSafety | HttpSafetyOptions): HttpSafety {
    return new HttpSafety({ ...this.#explicit, ...HttpSafety.from(over).#explicit });
  }

  /** The stricter side of each: the smaller number, the methods and types that both allow. */
  merge(other: HttpSafety | HttpSafetyOptions): HttpSafety {
    const that = HttpSafety.from(other);
    return new HttpSafety({
      maxBodySize: Math.min(this.maxBodySize, that.maxBodySize),
      maxHeaderSize: Math.min(this.maxHeaderSize, that.maxHeaderSize),
      maxHeaders: Math.min(this.maxHeaders, that.maxHeaders),
      allowedMethods: bothAllow(this.allowedMethods, that.allowedMethods, (a, b) => a === b),
      allowedContentTypes: bothAllow(
        this.allowedContentTypes,
        that.allowedContentTypes,
        typeMatches,
      ),
      headersTimeout: Math.min(this.headersTimeout, that.headersTimeout),
      bodyTimeout: Math.min(this.bodyTimeout, that.bodyTimeout),
      writeTimeout: Math.min(this.writeTimeout, that.writeTimeout),
      requestTimeout: Math.min(this.requestTimeout, that.requestTimeout),
    });
  }

  /** HEAD is allowed where GET is. */
  allowsMethod(method: string): boolean {
    const allowed = this.allowedMethods;
    if (allowed === undefined) return true;
    return allowed.includes(method) || (method === 'HEAD' && allowed.includes('GET'));
  }

  /** @param contentType the header as it came; undefined when there was none. */
  allowsContentType(contentType: string | undefined): boolean {
    const allowed = this.allowedContentTypes;
    if (allowed === undefined) return true;
    const type = mediaType(contentType);
    return allowed.some((pattern) => typeMatches(type, pattern));
  }
}

/** `type/subtype` in lower case, without parameters; '' when there is none. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** Upper case. @throws HotaruError `HOTARU_INVALID_OPTION` for a method Node's parser does not know. */
export function checkMethods(key: string, value: unknown): readonly string[] {
  const allowed = `a list of HTTP methods: ${METHODS.filter((name) => name !== 'CONNECT').join(', ')}`;
  if (!Array.isArray(value)) throw invalidOption(key, value, allowed);
  return value.map((method: unknown) => {
    const name = typeof method === 'string' ? method.toUpperCase() : '';
    // CONNECT has no path and never gets to a router.
    if (!METHODS.includes(name) || name === 'CONNECT') throw invalidOption(key, method, allowed);
    return name;
  });
}

function checkTypes(key: string, value: unknown): readonly string[] {
  const allowed = "a list of media types such as 'application/json' or 'image/*'";
  if (!Array.isArray(value)) throw invalidOption(key, value, allowed);
  return value.map((type: unknown) => {
    if (typeof type !== 'string' || !/^[\w.+!#$&^-]+\/(?:\*|[\w.+!#$&^-]+)$/.test(type))
      throw invalidOption(key, type, allowed);
    return type.toLowerCase();
  });
}

function checkLimits(options: HttpSafetyOptions): Partial<Limits> {
  checkKeys('safety', options, LIMIT_NAMES);
  const given = LIMIT_NAMES.filter((name) => options[name] !== undefined);
  return Object.fromEntries(
    given.map((name) => [name, CHECKS[name](`safety.${name}`, options[name])]),
  );
}

/** `narrow` is a media type or pattern; does `wide` cover it? */
function typeMatches(narrow: string, wide: string): boolean {
  return narrow === wide || (wide.endsWith('/*') && narrow.startsWith(wide.slice(0, -1)));
}

function bothAllow(
  these: readonly string[] | undefined,
  those: readonly string[] | undefined,
  covers: (narrow: string, wide: string) => boolean,
): readonly string[] | undefined {
  if (these === undefined || those === undefined) return these ?? those;
  const kept = [
    ...these.filter((entry) => those.some((other) => covers(entry, other))),
    ...those.filter((entry) => these.some((other) => covers(entry, other))),
  ];
  return [...new Set(kept)];
}

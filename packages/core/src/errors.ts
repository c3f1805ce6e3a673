/**
 * Every code this package can throw or put on the wire: one table, and the error class for mistakes of
 * the program itself. What goes to a client is an `HttpError` (http/response/http-error.ts).
 */

/** A code with a `status` reaches the client as problem+json; one without is thrown at the programmer. */
export interface ErrorEntry {
  readonly status?: number;
  readonly when: string;
}

/** The one table of codes: code → status, and when you see it. */
export const FRAMEWORK_ERRORS = Object.freeze({
  HOTARU_BAD_REQUEST: { status: 400, when: 'the request is not HTTP as RFC 9112 defines it' },
  HOTARU_INVALID_HOST: { status: 400, when: 'Host is missing, given twice, or no host name' },
  HOTARU_BAD_PATH: {
    status: 400,
    when: 'the request target is malformed, or could be read as two paths',
  },
  HOTARU_BAD_JSON: { status: 400, when: 'the request body is not JSON' },
  HOTARU_BAD_FORM: { status: 400, when: 'the request body is not the form it claims to be' },
  HOTARU_ROUTE_NOT_FOUND: { status: 404, when: 'no endpoint matches the path' },
  HOTARU_FILE_NOT_FOUND: { status: 404, when: 'there is no such file below the root' },
  HOTARU_METHOD_NOT_ALLOWED: { status: 405, when: 'the path exists, for other methods' },
  HOTARU_HEAD_TIMEOUT: { status: 408, when: 'the request head took longer than `headersTimeout`' },
  HOTARU_REQUEST_BODY_TIMEOUT: {
    status: 408,
    when: 'the request body stalled (`bodyTimeout`) or drips',
  },
  HOTARU_BODY_TOO_LARGE: { status: 413, when: 'the request body is larger than `maxBodySize`' },
  HOTARU_UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    when: 'the content type or coding is not accepted here',
  },
  HOTARU_EXPECTATION_FAILED: { status: 417, when: 'an `Expect` other than 100-continue' },
  HOTARU_TOO_MANY_HEADERS: { status: 431, when: 'more header fields than `maxHeaders`' },
  HOTARU_HEADERS_TOO_LARGE: {
    status: 431,
    when: 'the request head is larger than `maxHeaderSize`',
  },
  HOTARU_CLIENT_GONE: { status: 499, when: 'the client left; the status is never seen' },
  HOTARU_WRITE_TIMEOUT: {
    status: 499,
    when: 'the client took nothing for `writeTimeout`; the status is not sent',
  },
  HOTARU_INTERNAL: { status: 500, when: 'the handler threw something that is no HttpError' },
  HOTARU_UNSUPPORTED_TRANSFER_CODING: {
    status: 501,
    when: 'a `Transfer-Encoding` with more than chunked',
  },
  HOTARU_DRAIN_TIMEOUT: {
    status: 503,
    when: 'the app stopped first: `drainTimeout` was over',
  },
  HOTARU_DEADLINE_EXCEEDED: { status: 504, when: 'the request took longer than `requestTimeout`' },

  HOTARU_INVALID_OPTION: { when: 'an unknown option, or a value that is not allowed' },
  HOTARU_INVALID_PATTERN: { when: 'a URL pattern that does not parse' },
  HOTARU_DUPLICATE_ENDPOINT: { when: 'two endpoints for one pattern and method' },
  HOTARU_INVALID_CONTROLLER: { when: 'app.controller() was given something without routes' },
  HOTARU_INVALID_INJECTION: {
    when: 'a class is given what lives shorter, or what cannot be known',
  },
  HOTARU_INVALID_BINDING: { when: 'a binding that is no host and port' },
  HOTARU_BINDING_FAILED: { when: 'the binding is in use, not ours, or not permitted' },
  HOTARU_INVALID_STATE: { when: 'the call does not fit the state of the app' },
  HOTARU_DRAINING: { when: 'the reason of `ctx.draining`: the app has begun to stop' },
  HOTARU_INVALID_HEADER: { when: 'a header name or value that cannot be sent' },
  HOTARU_INVALID_OUTCOME: { when: 'a handler returned, or a stream yielded, what is no response' },
  HOTARU_NEXT_CALLED_TWICE: { when: 'a middleware called next() more than once' },
  HOTARU_REQUEST_BODY_USED: {
    when: 'the request body was taken or read before, or its response is out',
  },
} as const satisfies Record<string, ErrorEntry>);

export type FrameworkErrorCode = keyof typeof FRAMEWORK_ERRORS;

/** Codes that have a status: what the framework itself may answer. */
export type WireErrorCode = {
  [Code in FrameworkErrorCode]: (typeof FRAMEWORK_ERRORS)[Code] extends { status: number }
    ? Code
    : never;
}[FrameworkErrorCode];

/**
 * A mistake in the program: thrown at registration, at start, or while a handler's result is written
 * (a client then sees a plain 500).
 *
 * @example
 * try { app.get('/x/<', handler); } catch (error) {
 *   if (error instanceof HotaruError) console.error(error.code, error.message);
 * }
 */
export class HotaruError extends Error {
  override readonly name = 'HotaruError';
  readonly code: FrameworkErrorCode;

  constructor(code: FrameworkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

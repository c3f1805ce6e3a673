/**
 * `HttpError`: an error that is an answer. The framework turns it into RFC 9457 problem+json (problem.ts).
 */
import { REASON_PHRASES } from '@hotaru/wire';
import { FRAMEWORK_ERRORS, HotaruError, type WireErrorCode } from '../../errors.js';
import { show } from '../../options.js';
import { copyHeaders, emptyHeaders, type HeaderBag, type HeadersInput } from './headers.js';

/** Members of the problem document, and what else an error carries. Other keys are sent as extensions. */
export interface HttpErrorOptions {
  /** The kind of problem, the same for each of its kind. Default: the status text. */
  title?: string | undefined;
  /** This very problem, for the client to read: it is sent in production too. */
  detail?: string | undefined;
  /** A URI that names the kind of problem. Default `about:blank`. */
  type?: string | undefined;
  /** A URI of this occurrence. */
  instance?: string | undefined;
  /** Stable, for programs. */
  code?: string | undefined;
  /** Sent with the response. */
  headers?: HeadersInput | undefined;
  /** For the log; never sent. */
  cause?: unknown;
  [extension: string]: unknown;
}

/**
 * @throws HotaruError `HOTARU_INVALID_OPTION` for a status outside 400 to 599.
 * @example
 * throw new HttpError(404, { detail: 'no such user', code: 'USER_NOT_FOUND', userId: id });
 * throw new HttpError(409, 'the name is taken'); // the text is the detail
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly type: string;
  readonly instance: string | undefined;
  readonly code: string | undefined;
  readonly headers: Readonly<HeaderBag>;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(status: number, options: HttpErrorOptions | string = {}) {
    const given: HttpErrorOptions = typeof options === 'string' ? { detail: options } : options;
    const { title, detail, type, instance, code, headers, cause, ...extensions } = given;
    if (!Number.isInteger(status) || status < 400 || status > 599)
      throw new HotaruError(
        'HOTARU_INVALID_OPTION',
        `status is ${show(status)}; allowed for an HttpError: a number from 400 to 599`,
      );
    const name = title ?? REASON_PHRASES[status] ?? 'Error';
    super(detail ?? name, cause === undefined ? undefined : { cause });
    this.status = status;
    this.title = name;
    this.detail = detail;
    this.type = type ?? 'about:blank';
    this.instance = instance;
    this.code = code;
    const bag = emptyHeaders();
    if (headers !== undefined) copyHeaders(bag, headers);
    this.headers = bag;
    this.extensions = extensions;
  }
}

/** An error of the framework's own: its status comes from the table of codes. */
export function wireError(
  code: WireErrorCode,
  detail: string,
  options: HttpErrorOptions = {},
): HttpError {
  return new HttpError(FRAMEWORK_ERRORS[code].status, { ...options, detail, code });
}

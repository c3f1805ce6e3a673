/**
 * From whatever was thrown to an `HttpError`, and from that to `application/problem+json` (RFC 9457).
 *
 * In production nothing of an unexpected error goes over the wire but its code; a stack never does.
 */
import { HotaruClientError } from '@hotaru/client';
import type { ErrorCode } from '@hotaru/client';
import { CONSTANTS } from '../../constants.js';
import { HotaruError } from '../../errors.js';
import type { Answer } from '../../inbound/inbound.js';
import { UNREADABLE } from '../../log/error-facts.js';
import { HttpError } from './http-error.js';
import { HttpResponse } from './response.js';

/** The pool is at its limit or going away: worth another try, here or elsewhere. */
const UNAVAILABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HOTARU_POOL_EXHAUSTED',
  'HOTARU_ACQUIRE_TIMEOUT',
  'HOTARU_POOL_CLOSED',
]);
/** The call itself was wrong: our fault, not the upstream's. */
const OUR_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'HOTARU_INVALID_REQUEST',
  'HOTARU_INVALID_CONFIG',
  'HOTARU_INVALID_STATE',
  'HOTARU_BODY_USED',
]);

/** @param isDevelopment tells the client what went wrong; production keeps it for the log. */
export function toHttpError(error: unknown, isDevelopment: boolean): HttpError {
  try {
    return read(error, isDevelopment);
  } catch {
    // A proxy, or a getter of the error's own, throws when it is looked at.
    return new HttpError(500, { code: 'HOTARU_INTERNAL', cause: new Error(UNREADABLE) });
  }
}

function read(error: unknown, isDevelopment: boolean): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof HotaruClientError) {
    // A stream passed on as request body speaks for itself: a client's body over the limit stays a 413.
    if (error.code === 'HOTARU_REQUEST_BODY_FAILED') return read(error.cause, isDevelopment);
    return fromClient(error, isDevelopment);
  }
  const code = error instanceof HotaruError ? error.code : 'HOTARU_INTERNAL';
  return new HttpError(500, {
    code,
    cause: error,
    detail: isDevelopment ? messageOf(error) : undefined,
  });
}

function fromClient(error: HotaruClientError, isDevelopment: boolean): HttpError {
  const status = statusFor(error.code);
  return new HttpError(status, {
    code: error.code,
    cause: error,
    // The message names internal hosts and ports: not for clients.
    detail: isDevelopment ? error.message : undefined,
    headers: status === 503 ? { 'retry-after': CONSTANTS.retryAfterSeconds } : undefined,
  });
}

function statusFor(code: ErrorCode): number {
  if (UNAVAILABLE.has(code)) return 503;
  if (OUR_FAULT.has(code)) return 500;
  return code.endsWith('_TIMEOUT') || code === 'HOTARU_DEADLINE_EXCEEDED' ? 504 : 502;
}

/** The response that says it. Members without a value are left out. */
export function problemResponse(error: HttpError): HttpResponse {
  const { status, headers } = error;
  return new HttpResponse(problemText(error), 'application/problem+json', { status, headers });
}

/** The same for what never was a request: no handler and no middleware has a say in it. */
export function refusalAnswer(error: HttpError): Answer {
  const body = problemText(error);
  const length = String(Buffer.byteLength(body));
  return {
    status: error.status,
    fields: ['Content-Type', 'application/problem+json', 'Content-Length', length],
    body,
  };
}

function problemText(error: HttpError): string {
  const { type, title, status, detail, instance, code, extensions } = error;
  const members = { type, title, status, detail, instance, code };
  try {
    return JSON.stringify({ ...extensions, ...members });
  } catch {
    return JSON.stringify(members); // an extension without a JSON form must not hide the problem
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return `thrown: ${typeof error === 'string' ? error : typeof error}`;
}

/**
 * From what the caller asked to what goes on the wire, with everything checked before a byte is
 * written (docs/rules.md, rule 14): method, target, field names and values, framing.
 */
import {
  isDigits,
  isFieldText,
  isSendableHost,
  isToken,
  listMembers,
  MAX_LENGTH_DIGITS,
  trimBlanks,
} from '@hotaru/wire';
import type { ExchangeRequest } from '../connection/exchange.js';
import { didYouMean } from '../config/did-you-mean.js';
import { invalidRequest } from '../errors.js';
import type { RequestInit } from '../message/request.js';
import { headerPairs, type HeadersInput } from '../message/request-headers.js';
import { NO_BODY, toRequestBody, type RequestBody } from '../message/request-body.js';
import { show } from '../config/own-options.js';
import type { Call } from './call.js';
import type { ScopeFields } from './scope-options.js';
import { requestTarget, type Origin } from './target.js';

export interface PreparedRequest extends ExchangeRequest {
  readonly origin: Origin;
  /** May it be sent again when it is not known whether it was carried out? */
  readonly isIdempotent: boolean;
}

const ALLOWED = ['method', 'path', 'query', 'headers', 'body'];
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const STANDARD = new Set([...IDEMPOTENT, 'POST', 'PATCH']);
/** Fields of a request that are no lists (RFC 9110, RFC 6454, draft idempotency-key-header). */
const SINGLE_VALUED = new Set([
  'authorization',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'from',
  'idempotency-key',
  'if-modified-since',
  'if-range',
  'if-unmodified-since',
  'max-forwards',
  'origin',
  'proxy-authorization',
  'range',
  'referer',
  'user-agent',
]);
/** Methods for which "no body" must be said: a server may wait for one (RFC 9110 §8.6). */
const EXPECTS_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** A request in the making: what its fields say about its framing, and at the end the whole of it. */
class Draft implements PreparedRequest {
  readonly scheme: 'http' | 'https';
  authority: string;
  /** Name, value, name, value … */
  fields: string[] = [];
  body: RequestBody = NO_BODY;
  /** As a field said; at the end, as `frame` decided. */
  contentLength = -1;
  expectsContinue = false;
  wantsClose = false;
  isIdempotent = false;
  /** Bit n: a field whose name has n (modulo 32) characters was given. */
  nameLengths = 0;
  hasHost = false;
  hasContentType = false;
  isChunked = false;
  hasIdempotencyKey = false;
  hasAcceptEncoding = false;
  hasRange = false;

  constructor(
    readonly origin: Origin,
    readonly method: string,
    readonly target: string,
  ) {
    this.scheme = origin.scheme;
    this.authority = origin.authority;
  }
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` naming what is wrong and what is allowed. */
export function prepare({ request, options, scope, target, codings }: Call): PreparedRequest {
  if (typeof request !== 'object' || (request as unknown) === null || Array.isArray(request))
    throw invalidRequest(`the request must be an object, not ${show(request)}`);
  for (const name in request)
    if (!ALLOWED.includes(name))
      throw invalidRequest(
        `request.${name} is not known${didYouMean(name, ALLOWED)}; allowed: ${ALLOWED.join(', ')}`,
      );
  const method = checkMethod(request.method);
  const path = requestTarget(target.path, request);
  const { origin } = target;
  const draft = new Draft(origin, method, path);
  if (request.headers !== undefined) readHeaders(request.headers, draft);
  if (scope?.fields !== undefined) addScopeFields(draft, scope.fields());
  if (options.idempotencyKey !== undefined && !draft.hasIdempotencyKey)
    addField(draft, 'idempotency-key', options.idempotencyKey);
  // A range of a packed body can't be unpacked.
  if (codings !== undefined && !draft.hasAcceptEncoding && !draft.hasRange)
    offer(draft, codings.offer);
  if (request.body !== undefined) draft.body = toRequestBody(request.body);
  draft.contentLength = frame(draft);
  draft.isIdempotent = IDEMPOTENT.has(method) || draft.hasIdempotencyKey;
  return draft;
}

/** Of most requests the only field: a list of two, where one that grows has room for seventeen. */
function offer(draft: Draft, codings: string): void {
  if (draft.fields.length === 0) draft.fields = ['accept-encoding', codings];
  else draft.fields.push('accept-encoding', codings);
}

function checkMethod(method: string | undefined): string {
  if (method === undefined || method === 'GET') return 'GET';
  if (typeof method !== 'string' || !isToken(method))
    throw invalidRequest(`method ${show(method)} is no token (RFC 9110 §9.1)`);
  const upper = method.toUpperCase();
  if (upper === 'CONNECT')
    throw invalidRequest('CONNECT opens a tunnel, not an exchange: use pool.acquireNew()');
  return STANDARD.has(upper) ? upper : method;
}

function readHeaders(headers: NonNullable<RequestInit['headers']>, draft: Draft): void {
  // The plain object of plain strings is nearly every request: no generator for it.
  if (isPlain(headers)) {
    const names = Object.keys(headers);
    for (const name of names) {
      const value = headers[name];
      if (typeof value === 'string') addField(draft, name, value);
      else if (value !== undefined)
        for (const pair of headerPairs({ [name]: value } as HeadersInput)) addField(draft, ...pair);
    }
    if (names.length > 0) return;
  }
  for (const [name, value] of headerPairs(headers)) addField(draft, name, value);
}

/** A field of the caller's own wins. */
function addScopeFields(draft: Draft, fields: ScopeFields): void {
  for (const [name, value] of fields)
    if (!isGiven(draft, name.toLowerCase())) addField(draft, name, value);
}

function isGiven(draft: Draft, lower: string): boolean {
  if (lower === 'host') return draft.hasHost;
  if (lower === 'connection') return draft.wantsClose;
  return valueIndexOf(draft, lower) !== -1;
}

/** Where in `fields` the value of the first field of this name is; −1 for none. */
function valueIndexOf({ fields }: Draft, lower: string): number {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    if (name?.length === lower.length && name.toLowerCase() === lower) return i + 1;
  }
  return -1;
}

function isPlain(headers: unknown): headers is Record<string, unknown> {
  return (
    typeof headers === 'object' &&
    headers !== null &&
    Object.getPrototypeOf(headers) === Object.prototype
  );
}

function addField(draft: Draft, name: string, value: string): void {
  if (!isToken(name))
    throw invalidRequest(`header name ${JSON.stringify(name)} is no token (RFC 9110 §5.1)`);
  if (!isFieldText(value))
    throw invalidRequest(
      `the value of header ${JSON.stringify(name)} has a control or non-Latin-1 character (RFC 9110 §5.5)`,
    );
  // Most names differ in length, so that few have to be compared.
  const lengthBit = 1 << name.length;
  if ((draft.nameLengths & lengthBit) !== 0 && isSaidAlready(draft, name, value)) return;
  draft.nameLengths |= lengthBit;
  if (isFraming(draft, name, value)) return;
  draft.fields.push(name, value);
}

/**
 * Two lines of a field that has one value would leave it to each server which of them counts (RFC 9110
 * §5.3): the same value twice is sent once, and two values are an error.
 */
function isSaidAlready(draft: Draft, name: string, value: string): boolean {
  const lower = name.toLowerCase();
  if (!SINGLE_VALUED.has(lower)) return false;
  const at = valueIndexOf(draft, lower);
  if (at === -1) return false;
  if (draft.fields[at] === value) return true;
  throw invalidRequest(
    `header ${lower} is given twice, with different values; it has one value, in whichever spelling`,
  );
}

/** Fields that frame the message or steer the connection are read here; true when the protocol writes its own. */
function isFraming(draft: Draft, name: string, value: string): boolean {
  // By length first: most fields are none of these, and lowering every name would cost.
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'host' && noteHost(draft, value);
    case 5:
      if (name.toLowerCase() === 'range') draft.hasRange = true;
      return false;
    case 6:
      if (name.toLowerCase() === 'expect') noteExpect(draft, value);
      return false;
    case 2:
      if (name.toLowerCase() === 'te' && trimBlanks(value).toLowerCase() !== 'trailers')
        throw invalidRequest(`header te is ${JSON.stringify(value)}; allowed: trailers`);
      return false;
    case 7:
      if (name.toLowerCase() === 'upgrade')
        throw invalidRequest('header upgrade: sendRequest() does not switch protocols');
      return false;
    case 10: {
      const lower = name.toLowerCase();
      if (lower === 'connection') noteConnection(draft, value);
      return lower === 'connection' || lower === 'keep-alive'; // hop by hop: not the caller's to pass on
    }
    case 12:
      if (name.toLowerCase() === 'content-type') draft.hasContentType = true;
      return false;
    case 14: {
      const lower = name.toLowerCase();
      if (lower === 'http2-settings')
        throw invalidRequest('header http2-settings: sendRequest() does not switch protocols');
      return lower === 'content-length' && noteContentLength(draft, value);
    }
    case 15: {
      const lower = name.toLowerCase();
      if (lower === 'idempotency-key') draft.hasIdempotencyKey = true;
      else if (lower === 'accept-encoding') draft.hasAcceptEncoding = true;
      return false;
    }
    case 16:
      return name.toLowerCase() === 'proxy-connection';
    case 17:
      return name.toLowerCase() === 'transfer-encoding' && noteTransferEncoding(draft, value);
    default:
      return false;
  }
}

function noteHost(draft: Draft, value: string): true {
  if (draft.hasHost) throw invalidRequest('header host is given twice');
  if (!isSendableHost(value))
    throw invalidRequest(
      `header host is ${JSON.stringify(value)}; allowed: a host name, with a port or without`,
    );
  draft.hasHost = true;
  draft.authority = value;
  return true;
}

function noteExpect(draft: Draft, value: string): void {
  if (trimBlanks(value).toLowerCase() !== '100-continue')
    throw invalidRequest(`header expect is ${JSON.stringify(value)}; allowed: 100-continue`);
  draft.expectsContinue = true;
}

function noteConnection(draft: Draft, value: string): void {
  for (const option of listMembers(value)) {
    const token = option.toLowerCase();
    if (token === 'close') draft.wantsClose = true;
    else if (token !== 'keep-alive')
      throw invalidRequest(
        `header connection is ${JSON.stringify(value)}; allowed: close, keep-alive`,
      );
  }
}

function noteContentLength(draft: Draft, value: string): true {
  const digits = trimBlanks(value);
  if (!isDigits(digits) || digits.length > MAX_LENGTH_DIGITS)
    throw invalidRequest(
      `header content-length is ${JSON.stringify(value)}; allowed: a number of bytes`,
    );
  if (draft.contentLength !== -1) throw invalidRequest('header content-length is given twice');
  draft.contentLength = Number(digits);
  return true;
}

function noteTransferEncoding(draft: Draft, value: string): true {
  if (draft.isChunked || trimBlanks(value).toLowerCase() !== 'chunked')
    throw invalidRequest(
      `header transfer-encoding is ${JSON.stringify(value)}; allowed: chunked, once`,
    );
  draft.isChunked = true;
  return true;
}

/** What the request announces of its body's length, and the body's own type; −1 for nothing. */
function frame(draft: Draft): number {
  const { method, body, contentLength, isChunked } = draft;
  if (isChunked && contentLength !== -1)
    throw invalidRequest('content-length and transfer-encoding exclude each other (RFC 9112 §6.2)');
  if (body.kind === 'none') {
    if (isChunked || contentLength > 0)
      throw invalidRequest('the headers announce a body, but there is none');
    if (draft.expectsContinue) throw invalidRequest('header expect: there is no body to wait with');
    return contentLength === 0 || EXPECTS_BODY.has(method) ? 0 : -1;
  }
  if (method === 'TRACE') throw invalidRequest('TRACE has no body (RFC 9110 §9.3.8)');
  if (body.contentType !== undefined && !draft.hasContentType)
    draft.fields.push('content-type', body.contentType);
  if (body.kind === 'bytes') {
    if (contentLength !== -1 && contentLength !== body.length)
      throw invalidRequest(
        `content-length is ${contentLength}, but the body has ${body.length} bytes`,
      );
    if (isChunked)
      throw invalidRequest('a body of known length is sent with content-length, not chunked');
    return body.length;
  }
  return contentLength;
}

/**
 * From what the caller asked to what goes on the wire, with everything checked before a byte is
 * written (pool.md, validation): method, target, field names and values, framing.
 */
import type { WireRequest } from '../connection/http1/exchange.js';
import { invalidRequest } from '../errors.js';
import { headerPairs, type RequestInit } from '../message/request.js';
import { ACCEPT_ENCODING } from '../message/body-decoder.js';
import { NO_BODY, toRequestBody, type RequestBody } from '../message/request-body.js';
import type { CheckedOptions } from './options.js';
import { requestTarget, type Origin, type Target } from './target.js';

export interface PreparedRequest extends WireRequest {
  readonly origin: Origin;
  /** The request target: path and query. */
  readonly target: string;
  /** May it be sent again when nobody knows whether it was carried out? */
  readonly isIdempotent: boolean;
}

const ACCEPT_ENCODING_LINE = `accept-encoding: ${ACCEPT_ENCODING}\r\n`;
const ALLOWED = ['method', 'path', 'query', 'headers', 'body'];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Blank, tab, visible ASCII and Latin-1 (RFC 9110 §5.5): no CR, LF, NUL, nothing that needs another encoding. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const STANDARD = new Set([...IDEMPOTENT, 'POST', 'PATCH']);
/** Methods for which "no body" must be said: a server may wait for one (RFC 9110 §8.6). */
const EXPECTS_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** What the fields of a request say about its framing. */
class Fields {
  text = '';
  contentLength = -1;
  hasHost = false;
  hasContentType = false;
  isChunked = false;
  expectsContinue = false;
  wantsClose = false;
  hasIdempotencyKey = false;
  hasAcceptEncoding = false;
  hasRange = false;
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` naming what is wrong and what is allowed. */
export function prepare(
  target: Target,
  request: RequestInit,
  options: CheckedOptions,
): PreparedRequest {
  for (const name in request)
    if (!ALLOWED.includes(name))
      throw invalidRequest(`request.${name} is not known; allowed: ${ALLOWED.join(', ')}`);
  const method = checkMethod(request.method);
  const path = requestTarget(target.path, request);
  const fields = new Fields();
  if (request.headers !== undefined) readHeaders(request.headers, fields);
  if (options.idempotencyKey !== undefined && !fields.hasIdempotencyKey)
    addField(fields, 'idempotency-key', options.idempotencyKey);
  // A range of a packed body can't be unpacked.
  if (options.decompresses && !fields.hasAcceptEncoding && !fields.hasRange)
    fields.text += ACCEPT_ENCODING_LINE;
  const body = request.body === undefined ? NO_BODY : toRequestBody(request.body);
  const contentLength = frame(method, fields, body);
  const { origin } = target;
  return {
    origin,
    target: path,
    method,
    head: `${method} ${path} HTTP/1.1\r\n${fields.hasHost ? '' : origin.hostLine}${fields.text}\r\n`,
    body,
    contentLength,
    expectsContinue: fields.expectsContinue,
    wantsClose: fields.wantsClose,
    isIdempotent: IDEMPOTENT.has(method) || fields.hasIdempotencyKey,
  };
}

/** Blank and tab only (RFC 9110 §5.6.3): `trim()` would also take a no-break space for nothing. */
function trimBlanks(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, '');
}

function checkMethod(method: string | undefined): string {
  if (method === undefined || method === 'GET') return 'GET';
  if (typeof method !== 'string' || !TOKEN.test(method))
    throw invalidRequest(`method ${JSON.stringify(method)} is no token (RFC 9110 §9.1)`);
  const upper = method.toUpperCase();
  if (upper === 'CONNECT')
    throw invalidRequest('CONNECT opens a tunnel, not an exchange: use pool.acquireNew()');
  return STANDARD.has(upper) ? upper : method;
}

function readHeaders(headers: NonNullable<RequestInit['headers']>, fields: Fields): void {
  // The plain object of plain strings is nearly every request: no generator for it.
  if (Object.getPrototypeOf(headers) === Object.prototype) {
    const record = headers as Record<string, unknown>;
    for (const name of Object.keys(record)) {
      const value = record[name];
      if (typeof value === 'string') addField(fields, name, value);
      else if (value !== undefined)
        for (const pair of headerPairs({ [name]: value as string })) addField(fields, ...pair);
    }
    return;
  }
  for (const [name, value] of headerPairs(headers)) addField(fields, name, value);
}

function addField(fields: Fields, name: string, value: string): void {
  if (!TOKEN.test(name))
    throw invalidRequest(`header name ${JSON.stringify(name)} is no token (RFC 9110 §5.1)`);
  if (!FIELD_VALUE.test(value))
    throw invalidRequest(
      `the value of header ${JSON.stringify(name)} has a control or non-Latin-1 character (RFC 9110 §5.5)`,
    );
  if (isFraming(fields, name, value)) return;
  fields.text += `${name}: ${value}\r\n`;
}

/** Fields that frame the message or steer the connection are read here; true when we write our own. */
function isFraming(fields: Fields, name: string, value: string): boolean {
  // By length first: most fields are none of these, and lowering every name would cost.
  switch (name.length) {
    case 4:
      return name.toLowerCase() === 'host' && noteHost(fields, value);
    case 5:
      if (name.toLowerCase() === 'range') fields.hasRange = true;
      return false;
    case 6:
      if (name.toLowerCase() === 'expect') noteExpect(fields, value);
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
      if (lower === 'connection') noteConnection(fields, value);
      return lower === 'connection' || lower === 'keep-alive'; // hop by hop: not the caller's to pass on
    }
    case 12:
      if (name.toLowerCase() === 'content-type') fields.hasContentType = true;
      return false;
    case 14:
      return name.toLowerCase() === 'content-length' && noteContentLength(fields, value);
    case 15: {
      const lower = name.toLowerCase();
      if (lower === 'idempotency-key') fields.hasIdempotencyKey = true;
      else if (lower === 'accept-encoding') fields.hasAcceptEncoding = true;
      return false;
    }
    case 16:
      return name.toLowerCase() === 'proxy-connection';
    case 17:
      return name.toLowerCase() === 'transfer-encoding' && noteTransferEncoding(fields, value);
    default:
      return false;
  }
}

function noteHost(fields: Fields, value: string): false {
  if (fields.hasHost) throw invalidRequest('header host is given twice');
  if (!/^(?:[\w.~!$&'()*+;=%-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(value))
    throw invalidRequest(
      `header host is ${JSON.stringify(value)}; allowed: a host name, with a port or without`,
    );
  fields.hasHost = true;
  return false;
}

function noteExpect(fields: Fields, value: string): void {
  if (trimBlanks(value).toLowerCase() !== '100-continue')
    throw invalidRequest(`header expect is ${JSON.stringify(value)}; allowed: 100-continue`);
  fields.expectsContinue = true;
}

function noteConnection(fields: Fields, value: string): void {
  for (const option of value.split(',')) {
    const token = trimBlanks(option).toLowerCase();
    if (token === 'close') {
      if (!fields.wantsClose) fields.text += 'connection: close\r\n';
      fields.wantsClose = true;
    } else if (token !== 'keep-alive' && token !== '')
      throw invalidRequest(
        `header connection is ${JSON.stringify(value)}; allowed: close, keep-alive`,
      );
  }
}

function noteContentLength(fields: Fields, value: string): true {
  const digits = trimBlanks(value);
  if (!/^\d{1,15}$/.test(digits))
    throw invalidRequest(
      `header content-length is ${JSON.stringify(value)}; allowed: a number of bytes`,
    );
  if (fields.contentLength !== -1) throw invalidRequest('header content-length is given twice');
  fields.contentLength = Number(digits);
  return true;
}

function noteTransferEncoding(fields: Fields, value: string): true {
  if (fields.isChunked || trimBlanks(value).toLowerCase() !== 'chunked')
    throw invalidRequest(
      `header transfer-encoding is ${JSON.stringify(value)}; allowed: chunked, once`,
    );
  fields.isChunked = true;
  return true;
}

/** Decides how the body is delimited, and writes the fields that say so. Returns its announced length. */
function frame(method: string, fields: Fields, body: RequestBody): number {
  const { contentLength, isChunked } = fields;
  if (isChunked && contentLength !== -1)
    throw invalidRequest('content-length and transfer-encoding exclude each other (RFC 9112 §6.2)');
  if (body.kind === 'none') {
    if (isChunked || contentLength > 0)
      throw invalidRequest('the headers announce a body, but there is none');
    if (fields.expectsContinue)
      throw invalidRequest('header expect: there is no body to wait with');
    if (contentLength === 0 || EXPECTS_BODY.has(method)) fields.text += 'content-length: 0\r\n';
    return 0;
  }
  if (method === 'TRACE') throw invalidRequest('TRACE has no body (RFC 9110 §9.3.8)');
  if (body.contentType !== undefined && !fields.hasContentType)
    fields.text += `content-type: ${body.contentType}\r\n`;
  if (body.kind === 'bytes') {
    if (contentLength !== -1 && contentLength !== body.length)
      throw invalidRequest(
        `content-length is ${contentLength}, but the body has ${body.length} bytes`,
      );
    if (isChunked)
      throw invalidRequest('a body of known length is sent with content-length, not chunked');
    fields.text += `content-length: ${body.length}\r\n`;
    return body.length;
  }
  fields.text +=
    contentLength === -1
      ? 'transfer-encoding: chunked\r\n'
      : `content-length: ${contentLength}\r\n`;
  return contentLength;
}

/**
 * The one place where responses are written: an `HttpResponse` and the draft of its exchange become a head
 * and a body. Text and bytes go out in one call with a `content-length`; streams go through pump.ts.
 */
import { isBodilessStatus, isDigits } from '@hotaru/wire';
import type { Exchange } from '../exchange.js';
import { REQUEST_ID } from '../../log/correlation.js';
import { emptyHeaders, type HeaderBag } from './headers.js';
import { settleUnreadBody } from '../../inbound/node-http/linger.js';
import { pump, type PumpResult } from './pump.js';
import type { HttpResponse, StreamSource } from './response.js';

/** @returns a promise only for streams. @throws what went wrong, if nothing was sent yet. */
export function writeResponse(
  exchange: Exchange,
  answer: HttpResponse,
): Promise<PumpResult> | undefined {
  const { response, request } = exchange;
  const { status, body } = answer;
  tellRequestId(exchange);
  if (exchange.services.draining.closesConnections && exchange.isNewest)
    response.shouldKeepAlive = false;
  if (exchange.hasBody && !request.complete) leaveRequestBody(exchange);

  // What is sent of it: the head alone says the rest.
  const isBodiless = status === 204 || status === 304 || request.method === 'HEAD';
  const sent = isBodiless ? null : body;
  if (sent !== null && typeof sent !== 'string' && !(sent instanceof Uint8Array))
    return writeStream(exchange, answer, sent);
  const length = lengthOf(answer, request.method);
  response.writeHead(status, head(exchange, answer, length));
  if (sent === null) response.end();
  else {
    exchange.bodyBytes = length;
    response.end(sent);
  }
  if (response.writableLength > 0) exchange.watchOutput();
  return undefined;
}

/** -1 leaves what was set as it is: a 304 or the answer to HEAD may speak of a body that is not sent. */
function lengthOf({ status, body }: HttpResponse, method: string | undefined): number {
  if (status === 204 || status === 304) return -1;
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof Uint8Array) return body.byteLength;
  return body === null && method !== 'HEAD' ? 0 : -1;
}

/** One that a handler has set is left as it is; one that comes with the answer wins in `head()`. */
function tellRequestId(exchange: Exchange): void {
  const id = exchange.toldId;
  if (id === undefined) return;
  const drafted = (exchange.headers ??= emptyHeaders());
  drafted[REQUEST_ID] ??= id;
}

async function writeStream(
  exchange: Exchange,
  answer: HttpResponse,
  source: StreamSource,
): Promise<PumpResult> {
  const { response } = exchange;
  const headers = head(exchange, answer, -1);
  const promised = answer.headers?.['content-length'] ?? exchange.headers?.['content-length'];
  const length = typeof promised === 'string' && isDigits(promised) ? Number(promised) : -1;
  exchange.sends(source);
  return pump(source, exchange, length, () => response.writeHead(answer.status, headers));
}

/** Names and values in turn: Node writes them in this order, and builds no object to look them up in. */
type HeadFields = (string | number | string[])[];

/** @param length of the body; -1 leaves what was set as it is. */
function head(exchange: Exchange, answer: HttpResponse, length: number): HeadFields {
  const { headers: own, status } = answer;
  // Without a body there is nothing our guess could be about.
  const contentType = isBodilessStatus(status) ? undefined : answer.contentType;
  const drafted = exchange.headers;
  if (own === undefined && drafted === undefined) {
    // The common case.
    if (contentType === undefined) return length < 0 ? [] : ['content-length', length];
    if (length < 0) return ['content-type', contentType];
    return ['content-type', contentType, 'content-length', length];
  }
  const fields: HeadFields = [];
  if (contentType !== undefined && !has(own, 'content-type') && !has(drafted, 'content-type'))
    fields.push('content-type', contentType);
  // What was set of the length stands only where it is not known, and never with 204 (RFC 9110 §8.6).
  const keepsLength = length < 0 && status !== 204;
  for (const name in drafted) {
    const value = drafted[name];
    // Cookies of both are sent: each is one of its own.
    if (value === undefined || (name !== 'set-cookie' && has(own, name))) continue;
    if (keepsLength || name !== 'content-length') fields.push(name, value);
  }
  for (const name in own) {
    const value = own[name];
    if (value !== undefined && (keepsLength || name !== 'content-length')) fields.push(name, value);
  }
  if (length >= 0) fields.push('content-length', length);
  return fields;
}

function has(bag: Readonly<HeaderBag> | undefined, name: string): boolean {
  return bag?.[name] !== undefined;
}

function leaveRequestBody(exchange: Exchange): void {
  // A client that was never told to send its body may or may not do so, and one whose body stalled or was
  // too long is not waited for: nothing can follow on the connection.
  const isUnknown =
    exchange.awaitsContinue || exchange.isChunked || exchange.bodyFailure !== undefined;
  settleUnreadBody(exchange.request, exchange.response, isUnknown ? -1 : exchange.contentLength);
}

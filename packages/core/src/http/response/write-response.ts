/**
 * The one place where responses are written: an `HttpResponse` and the draft of its exchange become a head
 * and a body. Text and bytes go out in one call with a `content-length`; streams go through pump.ts.
 */
import { isBodilessStatus, isDigits } from '@hotaru/wire';
import type { FieldLines } from '../../inbound/inbound.js';
import { REQUEST_ID } from '../../log/correlation.js';
import type { Exchange } from '../exchange.js';
import { emptyHeaders, type HeaderBag } from './headers.js';
import { pump, type PumpResult } from './pump.js';
import type { HttpResponse, StreamSource } from './response.js';

/**
 * @returns a promise only for streams; otherwise whether the system has all of it.
 * @throws what went wrong, if nothing was sent yet.
 */
export function writeResponse(
  exchange: Exchange,
  answer: HttpResponse,
): Promise<PumpResult> | boolean {
  const { inbound } = exchange;
  const { status, body } = answer;
  tellRequestId(exchange);
  // A client whose body stalled or was too long is not waited for: nothing can follow on its connection.
  if (exchange.services.draining.closesConnections || exchange.bodyFailure !== undefined)
    inbound.closeAfter();

  // What is sent of it: the head alone says the rest.
  const isBodiless = isBodilessStatus(status) || inbound.method === 'HEAD';
  const sent = isBodiless ? null : body;
  if (sent !== null && typeof sent !== 'string' && !(sent instanceof Uint8Array))
    return writeStream(exchange, answer, sent);
  const length = lengthOf(answer, inbound.method);
  if (sent !== null) exchange.bodyBytes = length;
  const isAllSent = inbound.respond(status, head(exchange, answer, length), sent);
  exchange.sentStatus = status;
  return isAllSent;
}

/** -1 leaves what was set as it is: a 304 or the answer to HEAD may speak of a body that is not sent. */
function lengthOf({ status, body }: HttpResponse, method: string): number {
  if (isBodilessStatus(status)) return -1;
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
  const fields = head(exchange, answer, -1);
  const promised = answer.headers?.['content-length'] ?? exchange.headers?.['content-length'];
  const length = typeof promised === 'string' && isDigits(promised) ? Number(promised) : -1;
  exchange.sends(source);
  return pump(source, exchange, length, answer.status, fields);
}

/** @param length of the body; -1 leaves what was set as it is. */
function head(exchange: Exchange, answer: HttpResponse, length: number): FieldLines {
  const { headers: own, status } = answer;
  // Without a body there is nothing our guess could be about.
  const contentType = isBodilessStatus(status) ? undefined : answer.contentType;
  const drafted = exchange.headers;
  if (own === undefined && drafted === undefined) {
    // The common case.
    if (contentType === undefined) return length < 0 ? [] : ['content-length', String(length)];
    if (length < 0) return ['content-type', contentType];
    return ['content-type', contentType, 'content-length', String(length)];
  }
  const fields: string[] = [];
  if (contentType !== undefined && !has(own, 'content-type') && !has(drafted, 'content-type'))
    fields.push('content-type', contentType);
  // What was set of the length stands only where it is not known, and never with 204 (RFC 9110 §8.6).
  const keepsLength = length < 0 && status !== 204;
  for (const name in drafted) {
    const value = drafted[name];
    // Cookies of both are sent: each is one of its own.
    if (value === undefined || (name !== 'set-cookie' && has(own, name))) continue;
    if (keepsLength || name !== 'content-length') addField(fields, name, value);
  }
  for (const name in own) {
    const value = own[name];
    if (value !== undefined && (keepsLength || name !== 'content-length'))
      addField(fields, name, value);
  }
  if (length >= 0) fields.push('content-length', String(length));
  return fields;
}

/** Each value is a line of its own. */
function addField(fields: string[], name: string, value: string | string[]): void {
  if (typeof value === 'string') fields.push(name, value);
  else for (const one of value) fields.push(name, one);
}

function has(bag: Readonly<HeaderBag> | undefined, name: string): boolean {
  return bag?.[name] !== undefined;
}

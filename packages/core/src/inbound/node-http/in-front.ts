/**
 * What a handler in front of ours may have done: `app.handler` is called by other servers, and a handler that
 * had the request before may have set or removed a header, of the request or of the response. That counts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestHeaders } from '../../http/request/headers-view.js';
import type { FieldLines } from '../inbound.js';

/**
 * The field lines of a request, as the handlers before ours have left them. One that took a field away has a reason: it
 * may say who the client is, and only what stands in front of us is believed.
 */
export function fieldsLeft({ headers, rawHeaders }: IncomingMessage): FieldLines {
  const sent = new RequestHeaders({ fields: rawHeaders }).toObject();
  const isAsSent = (name: string): boolean =>
    Object.hasOwn(headers, name) && textOf(headers[name]) === sent[name];
  const names = Object.keys(headers);
  if (names.length === Object.keys(sent).length && names.every(isAsSent)) return rawHeaders;
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (isAsSent(name.toLowerCase())) fields.push(name, rawHeaders[index + 1] ?? '');
  }
  for (const name of names) {
    const value: unknown = headers[name];
    if (isAsSent(name)) continue;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const line = textOf(one);
      if (line !== undefined) fields.push(name, line);
    }
  }
  return fields;
}

/** A middleware may have set what is no text: of that a number is taken as it is written. */
function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/**
 * Writes the head of a response. Where a header was set on it before, Node sets each of ours in turn, and of several
 * lines of one name the last would replace the others: then they have to come together.
 */
export function writeHead(response: ServerResponse, status: number, fields: FieldLines): void {
  if (response.getHeaderNames().length === 0) response.writeHead(status, fields as string[]);
  else response.writeHead(status, linesByName(fields));
}

function linesByName(fields: FieldLines): Record<string, string | string[]> {
  const byName = Object.create(null) as Record<string, string | string[]>;
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase();
    const value = fields[index + 1] ?? '';
    const before = byName[name];
    byName[name] = before === undefined ? value : [before, value].flat();
  }
  return byName;
}

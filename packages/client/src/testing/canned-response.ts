/** Writes a well-formed HTTP/1.1 response, so that a script spells out only what it does wrong. */
import { CHUNK_END, chunkHead, isBodilessStatus, REASON_PHRASES } from '@hotaru/wire';

/** What to answer with; everything has a default. */
export interface CannedResponse {
  /** Default 200. */
  status?: number;
  /** Default: the standard phrase of the status. */
  reason?: string;
  /** Default `HTTP/1.1`. */
  version?: string;
  /** A list of values, or of pairs, writes a field more than once. */
  headers?: Readonly<Record<string, string | readonly string[]>> | readonly (readonly string[])[];
  /** A list is sent chunked, one chunk for each entry. Default: empty. */
  body?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** Fields after the last chunk. Only with a list as body. */
  trailers?: Readonly<Record<string, string>>;
  /** The method that is answered: a HEAD gets the head alone. */
  method?: string;
}

/**
 * The bytes of a response. `Content-Length`, or `Transfer-Encoding: chunked` for a body given as a
 * list, is added unless the headers name either; never to 1xx, 204 and 304.
 *
 * @example
 * cannedResponse({ headers: { etag: '"1"' }, body: 'hello' });
 * cannedResponse({ body: ['hel', 'lo'], trailers: { 'x-sum': '5' } });
 */
export function cannedResponse(response: CannedResponse = {}): Buffer {
  const status = response.status ?? 200;
  const reason = response.reason ?? REASON_PHRASES[status] ?? '';
  const fields = fieldsOf(response.headers);
  const chunked = Array.isArray(response.body);
  const body = chunked
    ? chunkedBody(response.body as readonly (string | Uint8Array)[], response.trailers)
    : bytesOf((response.body ?? '') as string | Uint8Array);
  const bodyless = isBodilessStatus(status);
  if (
    !bodyless &&
    !fields.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name ?? ''))
  )
    fields.push(
      chunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(body.length)],
    );
  const lines = [`${response.version ?? 'HTTP/1.1'} ${status} ${reason}`];
  for (const [name, value] of fields) lines.push(`${name}: ${value}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return bodyless || response.method === 'HEAD' ? head : Buffer.concat([head, body]);
}

/** Chunk framing for `pieces`, one chunk each; ends with the last chunk, trailers and empty line. */
export function chunkedBody(
  pieces: readonly (string | Uint8Array)[],
  trailers: Readonly<Record<string, string>> = {},
): Buffer {
  const framed = pieces
    .map((piece) => bytesOf(piece))
    .filter((piece) => piece.length > 0)
    .map((piece) => Buffer.concat([latin1(chunkHead(piece.length)), piece, latin1(CHUNK_END)]));
  const fields = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([...framed, latin1(`0\r\n${fields.join('')}\r\n`)]);
}

/** Text of a body is UTF-8; what a script writes raw is latin-1 (`latin1()`), a byte for a character. */
function bytesOf(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data);
}

/** One byte for each character: `'\xff'` is the byte 0xff. */
export function latin1(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
}

function fieldsOf(headers: CannedResponse['headers'] = {}): (readonly (string | undefined)[])[] {
  if (Array.isArray(headers)) return [...(headers as readonly (readonly string[])[])];
  return Object.entries(headers as Record<string, string | readonly string[]>).flatMap(
    ([name, value]) => (typeof value === 'string' ? [[name, value]] : value.map((v) => [name, v])),
  );
}

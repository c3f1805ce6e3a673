/** What every origin answers. */
import { gzipSync } from 'node:zlib';

const ENVELOPE = '{"data":""}';

/** 1 KiB of JSON. */
export const JSON_BODY = JSON.stringify({ data: 'x'.repeat(1_024 - ENVELOPE.length) });

export const MIB = 1_048_576;
const BODY_MIBS = [1, 64];

/** Bodies of unparsed bytes, by path. */
export const BODY_BYTES: Readonly<Record<string, number>> = Object.fromEntries(
  BODY_MIBS.map((mib) => [bodyPath(mib * MIB), mib * MIB]),
);

export function bodyPath(bytes: number): string {
  return `/${bytes / MIB}m`;
}

/** What else the Node origin answers: the cases of the suites that read answers in many ways. */
export interface Prepared {
  /** Header lines, each with its line end, without those of the framing. */
  readonly fields: string;
  readonly body: Buffer;
  /** Bytes of each chunk; undefined: with a Content-Length. */
  readonly chunkBytes?: number;
}

export const COOKIES = 20;
/** 100 KiB or so. */
export const LARGE_JSON = JSON.stringify(
  Array.from({ length: 1_000 }, (_, id) => ({
    id,
    name: `user ${id}`,
    email: `user${id}@example.com`,
    tags: ['a', 'b', 'c'],
    isActive: id % 2 === 0,
  })),
);
const cookies = Array.from(
  { length: COOKIES },
  (_, n) => `Set-Cookie: name${n}=${'v'.repeat(40)}; Path=/; HttpOnly; SameSite=Lax\r\n`,
);
const chunked = (count: number, chunkBytes: number): Prepared => ({
  fields: '',
  body: Buffer.alloc(count * chunkBytes, 'x'),
  chunkBytes,
});

export const PREPARED: Readonly<Record<string, Prepared>> = {
  '/chunks/400x50': chunked(400, 50),
  '/chunks/20000x1': chunked(20_000, 1),
  '/chunks/3000000x1': chunked(3_000_000, 1),
  '/packed': { fields: 'Content-Encoding: gzip\r\n', body: gzipSync(LARGE_JSON) },
  '/packed-small': { fields: 'Content-Encoding: gzip\r\n', body: gzipSync(JSON_BODY) },
  '/cookies': { fields: cookies.join(''), body: Buffer.from(JSON_BODY) },
  '/large-json': { fields: '', body: Buffer.from(LARGE_JSON) },
};

/** An answer as it goes over the wire. */
export function wireBytes({ fields, body, chunkBytes }: Prepared): Buffer {
  const framing =
    chunkBytes === undefined ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  const head = Buffer.from(
    `HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n${fields}${framing}\r\n\r\n`,
  );
  if (chunkBytes === undefined) return Buffer.concat([head, body]);
  const pieces: string[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.toString('latin1', at, at + chunkBytes);
    pieces.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  }
  return Buffer.concat([head, Buffer.from(pieces.join('')), Buffer.from('0\r\n\r\n')]);
}

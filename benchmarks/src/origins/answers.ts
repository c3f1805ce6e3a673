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
  /** Besides those of the framing. */
  readonly fields: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
  /** Bytes of each chunk; undefined: with a Content-Length. */
  readonly chunkBytes?: number;
}

/** Answered as `HTTP/2.0 17`: how the origin was asked, and on which of its connections. */
export const VIA = '/via';
/** Answered like `/json`, after 1 to 31 ms. */
export const LATER = '/later';
export const LATER_MS = { least: 1, most: 31 };
/** Answered like `/json`, with twenty fields of the origin's own. */
export const TWENTY_FIELDS = '/fields';
export const FIELDS: Readonly<Record<string, string>> = {
  'cache-control': 'private, max-age=0, must-revalidate',
  'content-language': 'en-GB',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  etag: '"5f3c2a81-400"',
  expires: 'Sat, 21 Nov 2026 08:00:00 GMT',
  'last-modified': 'Fri, 20 Nov 2026 17:30:00 GMT',
  'permissions-policy': 'geolocation=()',
  'referrer-policy': 'no-referrer',
  'set-cookie': 'session=9f86d081884c7d659a2feaa0c55ad015; Path=/; HttpOnly; Secure',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  vary: 'accept-encoding, origin',
  via: '1.1 edge-17',
  'x-cache': 'MISS',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-ratelimit-limit': '5000',
  'x-ratelimit-remaining': '4987',
  'x-ratelimit-reset': '1795248000',
  'x-request-id': '8c2f2f0e-9b0e-4f43-9d5a-3f1f6f0f8f11',
  'x-served-by': 'app-7c9d8b5f6d-x2x9p',
};

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
  (_, n) => `name${n}=${'v'.repeat(40)}; Path=/; HttpOnly; SameSite=Lax`,
);
const chunked = (count: number, chunkBytes: number): Prepared => ({
  fields: {},
  body: Buffer.alloc(count * chunkBytes, 'x'),
  chunkBytes,
});

export const PREPARED: Readonly<Record<string, Prepared>> = {
  '/chunks/400x50': chunked(400, 50),
  '/chunks/20000x1': chunked(20_000, 1),
  '/chunks/3000000x1': chunked(3_000_000, 1),
  '/packed': { fields: { 'content-encoding': 'gzip' }, body: gzipSync(LARGE_JSON) },
  '/packed-small': { fields: { 'content-encoding': 'gzip' }, body: gzipSync(JSON_BODY) },
  '/cookies': { fields: { 'set-cookie': cookies }, body: Buffer.from(JSON_BODY) },
  '/large-json': { fields: {}, body: Buffer.from(LARGE_JSON) },
};

/** An answer as it goes over the wire. */
export function wireBytes({ fields, body, chunkBytes }: Prepared): Buffer {
  const framing =
    chunkBytes === undefined ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  const head = Buffer.from(
    `HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n${lines.join('')}${framing}\r\n\r\n`,
  );
  if (chunkBytes === undefined) return Buffer.concat([head, body]);
  const pieces: string[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.toString('latin1', at, at + chunkBytes);
    pieces.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  }
  return Buffer.concat([head, Buffer.from(pieces.join('')), Buffer.from('0\r\n\r\n')]);
}

/**
 * Every class of difference between our request reader and llhttp, as `node:http` uses it with its defaults: who is
 * stricter, what the RFC says, and why we are where we are. docs/http1-conformance.md has the same list for people;
 * requests-differential.test.ts holds both to each other, and each row to its example.
 *
 * `explains` says no to whatever it was not made for, so that a new difference has no place to hide.
 */
import { METHODS } from 'node:http';
import type { RequestDifference } from './request-differences.js';
import type { RequestsRead } from './request-reading.js';

export interface KnownRequestDifference {
  readonly id: string;
  /** Where the rule is. */
  readonly section: string;
  readonly stricter: 'we' | 'they' | 'neither';
  /** A request that shows it. */
  readonly example: string;
  explains(difference: RequestDifference, about: RequestFacts): boolean;
}

/** What was read, besides how it differs. */
export interface RequestFacts {
  readonly text: string;
  readonly reading: RequestsRead;
}

const HOST = 'Host: a\r\n';
const POST = `POST / HTTP/1.1\r\n${HOST}`;

/** We say no by this sentence, and they read on. */
function weSay(pattern: RegExp) {
  return ({ aspect }: RequestDifference, { reading }: RequestFacts) =>
    aspect === 'we refuse' && pattern.test(reading.message);
}

/** The request they differ in, as far as we read it. */
function requestOf({ index }: RequestDifference, { reading }: RequestFacts) {
  return reading.requests[index] ?? reading.open;
}

/** Where they see a `Connection` option otherwise than we do, and what follows from that. */
const AFTER_CONNECTION: ReadonlySet<RequestDifference['aspect']> = new Set([
  'only we reuse', 'only they reuse', 'switch', 'body', 'trailers', 'count', 'we refuse', 'they refuse',
]); // prettier-ignore

const FRAMING: ReadonlySet<string> = new Set([
  'body-of-connect', 'content-length', 'length-too-large', 'transfer-encoding', 'unknown-coding',
]); // prettier-ignore

function hasConnection(text: string, value: RegExp): boolean {
  const lines = text.match(/^connection:.*$/gim) ?? [];
  return lines.some((line) => value.test(line.slice(line.indexOf(':') + 1)));
}

export const KNOWN_REQUEST_DIFFERENCES: readonly KnownRequestDifference[] = [
  {
    id: 'methods',
    section: 'RFC 9110 §9.1, §16.1',
    stricter: 'they',
    example: `BREW / HTTP/1.1\r\n${HOST}\r\n`,
    explains: (difference, about) => {
      const method = requestOf(difference, about)?.method;
      const isRefusal = difference.aspect === 'they refuse';
      return isRefusal && method !== undefined && !METHODS.includes(method);
    },
  },
  {
    id: 'host',
    section: 'RFC 9112 §3.2',
    stricter: 'we',
    example: `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`,
    explains: weSay(/^(?:Host |no Host)/),
  },
  {
    id: 'target-form',
    section: 'RFC 9112 §3.2',
    stricter: 'we',
    example: `GET * HTTP/1.1\r\n${HOST}\r\n`,
    explains: weSay(/^a target that this method cannot have/),
  },
  {
    id: 'blanks-in-request-line',
    section: 'RFC 9112 §3',
    stricter: 'we',
    example: `GET  /  HTTP/1.1\r\n${HOST}\r\n`,
    explains: weSay(/^the byte 0x20 in the (?:target|version) of the request line/),
  },
  {
    id: 'no-version',
    section: 'RFC 9112 §2.3, §3',
    stricter: 'we',
    example: `GET /\r\n${HOST}\r\n`,
    explains: weSay(/^(?:the byte 0x0d|a bare LF) in the target of the request line/),
  },
  {
    id: 'other-versions',
    section: 'RFC 9112 §2.3',
    stricter: 'we',
    example: `GET / HTTP/2.0\r\n${HOST}\r\n`,
    explains: weSay(/^(?:HTTP\/\d\.\d: only|the byte 0x[4-7]. in the version of the request line)/),
  },
  {
    id: 'empty-lines-before',
    section: 'RFC 9112 §2.2',
    stricter: 'we',
    example: `\r\n\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
    explains: weSay(
      /^(?:(?:the byte 0x0d|a bare LF) in the method of the request line|a bare CR before a start line)/,
    ),
  },
  {
    id: 'coding-other-than-chunked',
    section: 'RFC 9112 §6.1, §7',
    stricter: 'we',
    example: `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    explains: weSay(/^Transfer-Encoding ".*": only chunked is read here/),
  },
  {
    id: 'coding-in-http-1.0',
    section: 'RFC 9112 §6.1',
    stricter: 'we',
    example: `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    explains: weSay(/^Transfer-Encoding in HTTP\/1\.0/),
  },
  {
    id: 'length-beyond-counting',
    section: 'RFC 9112 §6.3, our bound',
    stricter: 'we',
    example: `CONNECT a:1 HTTP/1.1\r\n${HOST}Content-Length: 9007199254740993\r\n\r\n`,
    explains: (difference, about) =>
      weSay(/ is no length/)(difference, about) && difference.ourReason === 'length-too-large',
  },
  {
    id: 'chunk-size-digits',
    section: 'RFC 9112 §7.1, our bound',
    stricter: 'we',
    example: `${POST}Transfer-Encoding: chunked\r\n\r\n${'0'.repeat(70)}\r\n\r\n`,
    explains: (difference, about) =>
      weSay(/^a chunk size overflows/)(difference, about) && /^0{64}/m.test(about.text),
  },
  {
    id: 'chunk-extension-grammar',
    section: 'RFC 9112 §7.1.1',
    stricter: 'we',
    example: `${POST}Transfer-Encoding: chunked\r\n\r\n0;=\r\n\r\n`,
    explains: weSay(/^a chunk extension that is none/),
  },
  {
    id: 'connection-among-trailers',
    section: 'RFC 9110 §6.5.1',
    stricter: 'we',
    example: `${POST}Transfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\n\r\n`,
    explains: weSay(/^connection among the trailers/),
  },
  {
    id: 'framing-before-switch',
    section: 'RFC 9110 §7.8, §9.3.6',
    stricter: 'we',
    example: `CONNECT a:1 HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    explains: ({ aspect, ourReason }, { text }) =>
      aspect === 'we refuse' &&
      FRAMING.has(ourReason) &&
      (/^CONNECT /m.test(text) || hasConnection(text, /upgrade/i)),
  },
  {
    id: 'upgrade-in-http-1.0',
    section: 'RFC 9110 §7.8',
    stricter: 'we',
    example: `GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
    explains: (difference, about) =>
      AFTER_CONNECTION.has(difference.aspect) &&
      requestOf(difference, about)?.minorVersion === 0 &&
      hasConnection(about.text, /\bupgrade\b/i),
  },
  {
    id: 'tab-after-connection',
    section: 'RFC 9110 §5.5, RFC 9112 §9.3',
    stricter: 'neither',
    example: `GET / HTTP/1.1\r\n${HOST}Connection: close\t\r\n\r\n`,
    explains: (difference, about) =>
      AFTER_CONNECTION.has(difference.aspect) && hasConnection(about.text, /\t/),
  },
  {
    id: 'close-beats-keep-alive',
    section: 'RFC 9112 §9.3',
    stricter: 'we',
    example: `GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n`,
    explains: ({ aspect }, { text }) =>
      aspect === 'only they reuse' &&
      hasConnection(text, /close/i) &&
      hasConnection(text, /keep-alive/i),
  },
  {
    id: 'proxy-connection',
    section: 'RFC 9110 §7.6.1, RFC 9112 §C.2.2',
    stricter: 'neither',
    example: `GET / HTTP/1.1\r\n${HOST}Proxy-Connection: close\r\n\r\n`,
    explains: ({ aspect }, { text }) =>
      ['only we reuse', 'only they reuse', 'they refuse'].includes(aspect) &&
      /^proxy-connection:/im.test(text),
  },
  {
    id: 'scheme',
    section: 'RFC 3986 §3.1',
    stricter: 'they',
    example: `GET coap+tcp://a/ HTTP/1.1\r\n${HOST}\r\n`,
    explains: (difference, about) =>
      difference.aspect === 'they refuse' &&
      difference.theirCode === 'HPE_INVALID_URL' &&
      /^[a-z]+[\d+.-][a-z\d+.-]*:\/\//i.test(requestOf(difference, about)?.target ?? ''),
  },
];

/**
 * Every class of difference between our reader and llhttp, as undici and `node:http` use it: who is
 * stricter, what the RFC says, and why we are where we are. docs/http1-conformance.md has the same
 * table for people; differential.test.ts holds both to each other, and each row to its example.
 *
 * `explains` is asked in order; it says no to whatever it was not made for, so that a new difference
 * has no place to hide.
 */
import type { Difference } from './differences.js';
import type { Reading } from '../../../wire/test/support/reading.js';

export interface KnownDifference {
  readonly id: string;
  /** Where the rule is. */
  readonly section: string;
  readonly stricter: 'we' | 'they' | 'neither';
  readonly rivals: 'both' | 'undici' | 'node:http';
  /** A response that shows it, for a GET unless it says otherwise. */
  readonly example: { readonly method?: string; readonly bytes: string };
  explains(difference: Difference, about: ResponseFacts): boolean;
}

/** What the bytes are, apart from how they were read. */
export interface ResponseFacts {
  readonly method: string;
  readonly text: string;
  /** Informational heads in front, as text. */
  readonly informational: string;
  /** Status line and fields of the final response. */
  readonly head: string;
  readonly after: string;
  /** What our reader, without a socket, said. */
  readonly reading: Reading;
  /** Bytes behind the end of the response. */
  readonly leftover: string;
}

export function factsOf(method: string, bytes: Buffer, reading: Reading): ResponseFacts {
  const text = bytes.toString('latin1');
  const informational =
    /^(?:HTTP\/1\.[01] 1\d\d(?:(?!\r\n\r\n)[^])*\r\n\r\n)*/.exec(text)?.[0] ?? '';
  const rest = text.slice(informational.length);
  const end = rest.indexOf('\r\n\r\n');
  const isDone = reading.outcome === 'done';
  return {
    method,
    text,
    informational,
    head: end === -1 ? rest : rest.slice(0, end + 4),
    after: end === -1 ? '' : rest.slice(end + 4),
    reading,
    leftover: isDone ? text.slice(reading.consumed) : '',
  };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const HELLO = 'Content-Length: 5\r\n\r\nhello';
const LAST = '0\r\n\r\n';

const isRefusal = ({ aspect }: Difference) => aspect === 'we refuse' || aspect === 'only they wait';
const isTheirRefusal = ({ aspect, theirError }: Difference) =>
  (aspect === 'they refuse' || aspect === 'only we wait') && theirError !== '';

/** We say no by this sentence, and they read on. */
function weSay(pattern: RegExp) {
  return (difference: Difference) => isRefusal(difference) && pattern.test(difference.ourError);
}

/** They say no where the bytes look like this. */
function theyRefuse(holds: (facts: ResponseFacts) => boolean) {
  return (difference: Difference, facts: ResponseFacts) =>
    isTheirRefusal(difference) && holds(facts);
}

const LENGTH = /^content-length:/im;
const CODING = /^transfer-encoding:/im;

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    id: 'tab-after-framing',
    section: 'RFC 9112 §5, §5.1',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${OK}Transfer-Encoding: chunked\t\r\n\r\n5\r\nhello\r\n${LAST}` },
    explains: (_difference, { text }) =>
      /^(?:transfer-encoding|content-length):[^\r\n]*\t *\r/im.test(text),
  },
  {
    id: 'tab-after-connection',
    section: 'RFC 9112 §5, §9.3',
    stricter: 'neither',
    rivals: 'both',
    example: { bytes: `${OK}Connection: close\t\r\n${HELLO}` },
    explains: ({ aspect }, { head }) =>
      /reuse/.test(aspect) && /^connection:[^\r\n]*\t[ \t]*\r/im.test(head),
  },
  {
    id: 'blanks-kept',
    section: 'RFC 9112 §5.1',
    stricter: 'neither',
    rivals: 'undici',
    example: { bytes: `${OK}X-A: b \r\n${HELLO}` },
    explains: ({ detail, rival }) => detail === 'blanks kept' && rival === 'undici',
  },
  {
    id: 'coding-other-than-chunked',
    section: 'RFC 9112 §6.1, §7',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `${OK}Transfer-Encoding: gzip\r\n\r\nhello` },
    explains: weSay(/Transfer-Encoding ".*": only chunked/),
  },
  {
    id: 'length-beyond-counting',
    section: 'RFC 9112 §6.3, our bound',
    stricter: 'we',
    rivals: 'both',
    example: { method: 'HEAD', bytes: `${OK}Content-Length: 9007199254740993\r\n\r\n` },
    explains: weSay(/Content-Length "\d{16,}" is no length/),
  },
  {
    id: 'unasked-101',
    section: 'RFC 9110 §15.2.2',
    stricter: 'we',
    rivals: 'node:http',
    example: { bytes: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
    explains: weSay(/101 Switching Protocols was not asked for/),
  },
  {
    id: 'informational-flood',
    section: 'RFC 9110 §15.2, our bound',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `${'HTTP/1.1 103 \r\n\r\n'.repeat(33)}${OK}${HELLO}` },
    explains: weSay(/more than \d+ informational/),
  },
  {
    id: 'empty-line-before-status-line',
    section: 'RFC 9112 §2.2',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `\r\n${OK}${HELLO}` },
    explains: (difference, { text, informational }) =>
      weSay(/does not start with/)(difference) && /^[\r\n]/.test(text.slice(informational.length)),
  },
  {
    id: 'other-protocol',
    section: 'RFC 9112 §2.3, §4',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `HTTP/2.0 200 OK\r\n${HELLO}` },
    explains: (difference, { head }) =>
      weSay(/does not start with/)(difference) &&
      /^(?:HTTP\/(?:0\.9|2\.0)|RTSP\/|ICE\/)/.test(head),
  },
  {
    id: 'status-below-100',
    section: 'RFC 9110 §15',
    stricter: 'we',
    rivals: 'node:http',
    example: { bytes: `HTTP/1.1 099 Odd\r\n${HELLO}` },
    explains: (difference, { head }) =>
      weSay(/does not start with/)(difference) && /^HTTP\/1\.[01] 0\d\d/.test(head),
  },
  {
    id: 'control-in-reason',
    section: 'RFC 9112 §4',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `HTTP/1.1 200 O\0K\r\n${HELLO}` },
    explains: weSay(/the byte 0x[01].|the byte 0x7f in the status line/),
  },
  {
    id: 'chunk-size-digits',
    section: 'RFC 9112 §7.1, our bound',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `${CHUNKED}${'0'.repeat(70)}5\r\nhello\r\n${LAST}` },
    explains: (difference, { text }) =>
      weSay(/a chunk size overflows/)(difference) && /\r\n0{16,}[0-9a-f]*[;\r\s]/i.test(text),
  },
  {
    id: 'bytes-after-the-end',
    section: 'RFC 9112 §6.3, §9.6',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${OK}${HELLO}x` },
    explains: theyRefuse(({ leftover }) => leftover !== ''),
  },
  {
    id: 'stray-bytes-and-reuse',
    section: 'RFC 9112 §6.3, §9.3',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `${OK}${HELLO}\r\n` },
    explains: ({ aspect }, { leftover }) => aspect === 'only they reuse' && leftover !== '',
  },
  {
    id: 'informational-says-close',
    section: 'RFC 9110 §15.2, RFC 9112 §9.6',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `HTTP/1.1 103 \r\nConnection: close\r\n\r\n${OK}${HELLO}` },
    explains: (difference, { informational }) =>
      (isTheirRefusal(difference) || difference.aspect === 'only they reuse') &&
      (/^connection:[ \t]*(?:close|upgrade)/im.test(informational) ||
        /HTTP\/1\.0 1/.test(informational)),
  },
  {
    id: 'informational-with-framing',
    section: 'RFC 9112 §6.1, §6.3',
    stricter: 'neither',
    rivals: 'both',
    example: { bytes: `HTTP/1.1 103 \r\nContent-Length: 5\r\n\r\n${OK}${HELLO}` },
    explains: (difference, { informational }) =>
      (isTheirRefusal(difference) || /reuse/.test(difference.aspect)) &&
      (LENGTH.test(informational) || CODING.test(informational)),
  },
  {
    id: 'unasked-100',
    section: 'RFC 9110 §15.2.1',
    stricter: 'they',
    rivals: 'undici',
    example: { bytes: `HTTP/1.1 100 Continue\r\n\r\n${OK}${HELLO}` },
    explains: (difference, { informational }) =>
      isTheirRefusal(difference) &&
      difference.rival === 'undici' &&
      / 100[ \r]/.test(informational),
  },
  {
    id: 'length-without-body',
    section: 'RFC 9110 §8.6, §15.4.5',
    stricter: 'they',
    rivals: 'undici',
    example: { bytes: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n' },
    explains: (difference, { head }) =>
      difference.rival === 'undici' &&
      isTheirRefusal(difference) &&
      /^HTTP\/1\.[01] (?:204|304)/.test(head) &&
      LENGTH.test(head),
  },
  {
    id: 'length-and-coding',
    section: 'RFC 9112 §6.1, §6.3',
    stricter: 'they',
    rivals: 'both',
    example: {
      bytes: `${OK}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${LAST}`,
    },
    explains: theyRefuse(({ head }) => LENGTH.test(head) && CODING.test(head)),
  },
  {
    id: 'equal-lengths',
    section: 'RFC 9110 §8.6',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${OK}Content-Length: 5, 5\r\n\r\nhello` },
    explains: theyRefuse(
      ({ head }) =>
        /^content-length:[^\r]*,/im.test(head) ||
        (head.match(/^content-length:/gim) ?? []).length > 1,
    ),
  },
  {
    id: 'framing-among-trailers',
    section: 'RFC 9110 §6.5.1',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${CHUNKED}5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n` },
    explains: (difference, { head, after }) =>
      CODING.test(head) &&
      /^(?:content-length|transfer-encoding|(?:proxy-)?connection):/im.test(after) &&
      (isTheirRefusal(difference) || /reuse|poisoned/.test(difference.aspect)),
  },
  {
    id: 'blank-before-chunk-extension',
    section: 'RFC 9112 §7.1.1',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${CHUNKED}5 ;a=b\r\nhello\r\n${LAST}` },
    explains: theyRefuse(({ after }) => /(?:^|\r\n)[0-9a-f]+[ \t]+;/i.test(after)),
  },
  {
    id: 'chunk-extension-grammar',
    section: 'RFC 9112 §7.1.1',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${CHUNKED}5;;\r\nhello\r\n${LAST}` },
    explains: (difference) =>
      isTheirRefusal(difference) && /chunk extension/.test(difference.theirError),
  },
  {
    id: 'head-kept-alive',
    section: 'RFC 9112 §6.3',
    stricter: 'they',
    rivals: 'both',
    example: { method: 'HEAD', bytes: `${OK}Connection: keep-alive\r\n\r\n` },
    explains: ({ aspect }, { method }) => aspect === 'only we reuse' && method === 'HEAD',
  },
  {
    id: 'coding-in-http-1.0',
    section: 'RFC 9112 §6.1',
    stricter: 'we',
    rivals: 'both',
    example: {
      bytes: `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${LAST}`,
    },
    explains: ({ aspect }, { head }) =>
      aspect === 'only they reuse' && head.startsWith('HTTP/1.0') && CODING.test(head),
  },
  {
    id: 'close-beats-keep-alive',
    section: 'RFC 9112 §9.3',
    stricter: 'we',
    rivals: 'both',
    example: {
      bytes: `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n${HELLO}`,
    },
    explains: ({ aspect }, { head }) =>
      aspect === 'only they reuse' &&
      /^connection:[^\r]*close/im.test(head) &&
      /^connection:[^\r]*keep-alive/im.test(head),
  },
  {
    id: 'keep-alive-hints',
    section: 'RFC 2068 §19.7.1',
    stricter: 'we',
    rivals: 'both',
    example: { bytes: `${OK}Connection: keep-alive\r\nKeep-Alive: max=0\r\n${HELLO}` },
    explains: ({ aspect }, { head }) =>
      /reuse/.test(aspect) && /^keep-alive:.*(?:max=|timeout=[01]\b)/im.test(head),
  },
  {
    id: 'proxy-connection',
    section: 'RFC 9110 §7.6.1, RFC 9112 §C.2.2',
    stricter: 'they',
    rivals: 'both',
    example: { bytes: `${OK}Proxy-Connection: close\r\n${HELLO}` },
    explains: ({ aspect }, { head }) =>
      aspect === 'only we reuse' && /^proxy-connection:/im.test(head),
  },
  {
    id: 'judged-at-another-byte',
    section: 'RFC 9112 §2.2',
    stricter: 'neither',
    rivals: 'both',
    example: { bytes: 'HTTP/1.1 2x' },
    explains: ({ aspect, ourError, theirError }) =>
      /wait/.test(aspect) && ourError !== '' && theirError !== '',
  },
];

/**
 * Requests as they are written to be read as one request by one machine and as two by the next (RFC 9112 §11.2), and
 * what a server must make of them. `SECRET` is what an attacker wants to pass for a request, or for a part of a body.
 */
import type { WireReason } from '../../src/index.js';

export interface SmugglingCase {
  readonly name: string;
  readonly bytes: string;
  /** Why it is refused, or how many requests there are in it. */
  readonly verdict: WireReason | number;
}

const SECRET = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';
const LAST = '0\r\n\r\n';

function post(name: string, rest: string, verdict: SmugglingCase['verdict']): SmugglingCase {
  return { name, bytes: POST + rest, verdict };
}
function chunked(name: string, rest: string, verdict: SmugglingCase['verdict']): SmugglingCase {
  return post(name, CHUNKED + rest, verdict);
}
function line(name: string, requestLine: string, verdict: SmugglingCase['verdict']): SmugglingCase {
  return { name, bytes: `${requestLine}\r\nHost: a\r\n\r\n`, verdict };
}

export const SMUGGLING_CASES: readonly SmugglingCase[] = [
  // ── two lengths of one body (RFC 9112 §6.3) ───────────────────────────────────
  post('CL.TE', `Content-Length: 5\r\n${CHUNKED}${LAST}`, 'transfer-encoding'),
  post('TE.CL', `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${LAST}`, 'transfer-encoding'),
  post('CL.TE with an empty coding', 'Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello', 'transfer-encoding'),
  post('two lengths', `Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello${SECRET}`, 'content-length'),
  post('two equal lengths', 'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello', 'content-length'),
  post('a list of equal lengths', 'Content-Length: 5, 5\r\n\r\nhello', 'content-length'),
  post('a list of lengths', 'Content-Length: 0, 5\r\n\r\nhello', 'content-length'),
  post('a length and an empty one', 'Content-Length: 5\r\nContent-Length:\r\n\r\nhello', 'content-length'),
  post('two spellings of the name', 'Content-Length: 0\r\ncontent-length: 5\r\n\r\nhello', 'content-length'),
  // ── lengths that are none (RFC 9110 §8.6) ─────────────────────────────────────
  ...['+5', '-5', '0x5', '5.0', '1e1', '"5"', '5 5', '', '\x0b5', '5\x0c', '\xa05', '\xef\xbc\x95', '5;', '0b101'].map((value) =>
    post(`length ${JSON.stringify(value)}`, `Content-Length: ${value}\r\n\r\nhello`,
      /[\x0b\x0c]/.test(value) ? 'line-end' : 'content-length')),
  post('a length that wraps around in 64 bits', 'Content-Length: 18446744073709551621\r\n\r\nhello', 'length-too-large'),
  post('a length with zeros in front', 'Content-Length: 0005\r\n\r\nhello', 1),
  post('a tab after a length', 'Content-Length: 5\t\r\n\r\nhello', 'content-length'),
  post('a length in a name with an underscore', 'Content_Length: 5\r\n\r\n', 1),
  // ── codings that are and are not chunked (RFC 9112 §6.1, §7) ──────────────────
  ...['xchunked', 'chunkedx', '"chunked"', 'chunked, identity', 'chunked, chunked', 'chunked,', ',chunked',
    'chunked;q=1', 'chunk ed', '\xa0chunked', ' chunked\t', ''].map((value) =>
    post(`coding ${JSON.stringify(value)}`, `Transfer-Encoding: ${value}\r\n\r\n${LAST}`, 'transfer-encoding')),
  post('coding identity', `Transfer-Encoding: identity\r\n\r\n${LAST}`, 'transfer-encoding'),
  post('coding gzip, chunked', `Transfer-Encoding: gzip, chunked\r\n\r\n${LAST}`, 'unknown-coding'),
  post('two codings', `Transfer-Encoding: gzip\r\n${CHUNKED}${LAST}`, 'unknown-coding'),
  post('two codings, the other way round', `Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n${LAST}`, 'transfer-encoding'),
  post('chunked twice', `Transfer-Encoding: chunked\r\n${CHUNKED}${LAST}`, 'transfer-encoding'),
  post('a vertical tab before chunked', `Transfer-Encoding: \x0bchunked\r\n\r\n${LAST}`, 'line-end'),
  post('a form feed after chunked', `Transfer-Encoding: chunked\x0c\r\n\r\n${LAST}`, 'line-end'),
  post('chunked in capitals', `Transfer-Encoding: CHUNKED\r\n\r\n${LAST}`, 1),
  { name: 'a coding in HTTP/1.0', bytes: `POST / HTTP/1.0\r\nHost: a\r\n${CHUNKED}${LAST}`, verdict: 'transfer-encoding' },
  // ── names that are read as another name (RFC 9112 §5.1, §5.2) ─────────────────
  post('a blank before the colon of a coding', `Transfer-Encoding : chunked\r\n\r\n${LAST}`, 'blank-before-colon'),
  post('a tab before the colon of a length', 'Content-Length\t: 5\r\n\r\nhello', 'blank-before-colon'),
  post('a folded coding', `Transfer-Encoding:\r\n chunked\r\n\r\n${LAST}`, 'folded-line'),
  post('a folded length', 'X: y\r\n Content-Length: 5\r\n\r\nhello', 'folded-line'),
  post('a blank in front of the first field', ' Content-Length: 5\r\n\r\nhello', 'folded-line'),
  post('a NUL in a name', 'Content-Length\0: 5\r\n\r\nhello', 'field-name'),
  post('a line without a colon', 'Content-Length 5\r\n\r\nhello', 'blank-before-colon'),
  post('an empty name', ': 5\r\n\r\nhello', 'field-name'),
  post('a byte of another code page in a name', `Transfer\xadEncoding: chunked\r\n\r\n${LAST}`, 'field-name'),
  // ── ends of lines (RFC 9112 §2.2) ─────────────────────────────────────────────
  post('LF alone after a field', `X: y\nTransfer-Encoding: chunked\r\n\r\n${LAST}`, 'line-end'),
  post('CR alone after a field', `X: y\rTransfer-Encoding: chunked\r\n\r\n${LAST}`, 'line-end'),
  post('LF alone as the empty line', `Content-Length: 5\r\n\nhello${SECRET}`, 'field-name'),
  post('CR CR LF after a field', 'X: y\r\r\nContent-Length: 5\r\n\r\nhello', 'line-end'),
  post('a NUL in a value', 'X: y\0\r\nContent-Length: 5\r\n\r\nhello', 'line-end'),
  { name: 'LF alone after the request line', bytes: `GET / HTTP/1.1\nHost: a\r\n\r\n`, verdict: 'line-end' },
  { name: 'CR alone after the request line', bytes: `GET / HTTP/1.1\rHost: a\r\n\r\n`, verdict: 'line-end' },
  { name: 'LF alone before the request line', bytes: `\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`, verdict: 'request-line' },
  { name: 'an empty line before the request line', bytes: `\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`, verdict: 1 },
  { name: 'two empty lines before the request line', bytes: `\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`, verdict: 'request-line' },
  // ── chunks (RFC 9112 §7.1) ────────────────────────────────────────────────────
  ...['+5', '-5', '0x5', '5_0', ' 5', '5 ', '5\t', '5,', '\xef\xbc\x95', 'g', '', '5g'].map((size) =>
    chunked(`chunk size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n${LAST}`, 'chunk-size')),
  chunked('a chunk size that wraps around', `10000000000000005\r\nhello\r\n${LAST}`, 'chunk-too-large'),
  chunked('LF alone after a chunk size', `5\nhello\r\n${LAST}`, 'chunk-size'),
  chunked('CR alone after a chunk size', `5\rhello\r\n${LAST}`, 'chunk-line-end'),
  chunked('LF alone in an extension', `5;\nhello\r\n${LAST}`, 'chunk-extension'),
  chunked('CR alone in an extension', `5;a\rhello\r\n${LAST}`, 'chunk-line-end'),
  chunked('a line break in a quoted extension', `5;a="\r\nhello\r\n${LAST}`, 'chunk-extension'),
  chunked('a blank before an extension', `5 ;a\r\nhello\r\n${LAST}`, 'chunk-size'),
  chunked('an extension without a name', `5;\r\nhello\r\n${LAST}`, 'chunk-extension'),
  chunked('an extension', `5;a=b;c="d;\\""\r\nhello\r\n${LAST}`, 1),
  chunked('LF alone after chunk data', `5\r\nhello\n${LAST}`, 'chunk-size'),
  chunked('nothing after chunk data', `5\r\nhello${LAST}`, 'chunk-size'),
  chunked('a chunk longer than its size', `4\r\nhello\r\n${LAST}`, 'chunk-size'),
  chunked('LF alone after the last chunk', `0\n\n${SECRET}`, 'chunk-size'),
  chunked('a last chunk of several zeros', '000\r\n\r\n', 1),
  chunked('a length among the trailers', '0\r\nContent-Length: 5\r\n\r\n', 'framing-in-trailers'),
  chunked('a coding among the trailers', '0\r\nTransfer-Encoding: chunked\r\n\r\n', 'framing-in-trailers'),
  chunked('a close among the trailers', `0\r\nConnection: close\r\n\r\n${SECRET}`, 'framing-in-trailers'),
  chunked('a request among the trailers', `0\r\n${SECRET}`, 'blank-before-colon'),
  chunked('no end of the trailers', `0\r\nX: y\r\n`, 'end-in-body'),
  // ── whose request it is (RFC 9112 §3.2) ───────────────────────────────────────
  { name: 'no Host', bytes: 'GET / HTTP/1.1\r\n\r\n', verdict: 'host' },
  { name: 'no Host in HTTP/1.0', bytes: 'GET / HTTP/1.0\r\n\r\n', verdict: 1 },
  { name: 'two Hosts', bytes: 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', verdict: 'host' },
  { name: 'two equal Hosts', bytes: 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', verdict: 'host' },
  ...['', 'a b', 'a/b', 'u@a', 'a:80:80', 'a, b c', '[::1', '\xe9', 'a\\b'].map((host): SmugglingCase => (
    { name: `Host ${JSON.stringify(host)}`, bytes: `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, verdict: 'host' })),
  // ── request lines (RFC 9112 §3) ───────────────────────────────────────────────
  line('two blanks before the target', 'GET  / HTTP/1.1', 'request-line'),
  line('two blanks before the version', 'GET /  HTTP/1.1', 'request-line'),
  line('a tab for a blank', 'GET\t/ HTTP/1.1', 'request-line'),
  line('a blank in the target', 'GET /a b HTTP/1.1', 'request-line'),
  line('a blank after the version', 'GET / HTTP/1.1 ', 'line-end'),
  line('a blank before the method', ' GET / HTTP/1.1', 'request-line'),
  line('no version', 'GET /', 'request-line'),
  line('no target', 'GET HTTP/1.1', 'request-line'),
  line('HTTP/1.2', 'GET / HTTP/1.2', 'version'),
  line('HTTP/0.9', 'GET / HTTP/0.9', 'version'),
  line('HTTP/2.0', 'GET / HTTP/2.0', 'version'),
  line('HTTP/1.10', 'GET / HTTP/1.10', 'line-end'),
  line('http/1.1', 'GET / http/1.1', 'request-line'),
  line('RTSP/1.0', 'GET / RTSP/1.0', 'request-line'),
  line('a fragment', 'GET /a#b HTTP/1.1', 'target'),
  line('obs-text in a target', 'GET /\xe9 HTTP/1.1', 'target'),
  line('a control character in a target', 'GET /\x01 HTTP/1.1', 'request-line'),
  line('a NUL in a target', 'GET /\0 HTTP/1.1', 'request-line'),
  line('a target that is no path', 'GET a HTTP/1.1', 'target'),
  line('an asterisk for GET', 'GET * HTTP/1.1', 'target'),
  line('a user in the target', 'GET http://u@a/ HTTP/1.1', 'target'),
  line('an authority for GET', 'GET a:80 HTTP/1.1', 'target'),
  line('a path for CONNECT', 'CONNECT / HTTP/1.1', 'target'),
  line('CONNECT without a port', 'CONNECT a HTTP/1.1', 'target'),
  { name: 'CONNECT with a length', bytes: `CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`, verdict: 'body-of-connect' },
  // ── what follows a request (RFC 9112 §9.3) ────────────────────────────────────
  { name: 'GET with a body', bytes: `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SECRET.length}\r\n\r\n${SECRET}`, verdict: 1 },
  post('a request after a body', `Content-Length: 5\r\n\r\nhello${SECRET}`, 2),
  chunked('a request after a chunked body', `5\r\nhello\r\n${LAST}${SECRET}`, 2),
  post('a request without a length is without a body', `\r\n${SECRET}`, 2),
  post('a request after close', `Connection: close\r\n\r\n${SECRET}`, 1),
  post('a request after close beside keep-alive', `Connection: keep-alive, close\r\n\r\n${SECRET}`, 1),
  { name: 'a request after one of HTTP/1.0', bytes: `GET / HTTP/1.0\r\n\r\n${SECRET}`, verdict: 1 },
  { name: 'an HTTP/2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', verdict: 'version' },
  { name: 'an answer', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', verdict: 'request-line' },
  { name: 'a TLS record', bytes: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', verdict: 'request-line' },
]; // prettier-ignore

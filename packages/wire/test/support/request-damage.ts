/**
 * Odd and broken requests from a seed: a valid one, bent where parsers are known to trip, that is, where two machines
 * may read one message as two different ones. What is right is not said here.
 */
import { Random } from './random.js';
import { planRequest } from './request-generator.js';
import { renderRequest, type RequestPlan } from './request-plan.js';
import { planChunk, planField } from './response-generator.js';
import type { PlannedField } from './response-plan.js';
import { damageText, mutateText, type Shards } from './text-damage.js';

export interface DamagedRequest {
  readonly seed: number;
  /** Which kinds of damage were done, in order. */
  readonly damage: readonly string[];
  readonly bytes: Buffer;
}

type PlanDamage = (plan: RequestPlan, random: Random) => void;

export function damagedRequest(seed: number, withFloods = false): DamagedRequest {
  const random = new Random(seed);
  const plan = planRequest(random);
  const damage: string[] = [];
  const bend = (table: Readonly<Record<string, PlanDamage>>): void => {
    const name = random.pick(Object.keys(table));
    damage.push(name);
    table[name]?.(plan, random);
  };
  const kind = random.below(8);
  if (kind < 5) bend(PLAN_DAMAGE);
  if (withFloods && random.oneIn(400)) bend(FLOODS);
  let text = renderRequest(plan);
  for (let left = kind < 4 ? 0 : kind === 7 ? 2 : 1; left > 0; left -= 1) {
    const [name, damaged] = damageText(text, random, REQUEST_SHARDS);
    damage.push(name);
    text = damaged;
  }
  return { seed, damage, bytes: Buffer.from(text, 'latin1') };
}

export function mutateRequest(bytes: Buffer, random: Random): Buffer {
  return Buffer.from(mutateText(bytes.toString('latin1'), random, REQUEST_SHARDS), 'latin1');
}

const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n';
const LENGTHS = [
  '', ' ', '-5', '+5', '0x5', '5a', '5 5', '5;5', '5.0', '1e1', '"5"', '\xd9\xa5', '5, 5', '5,5', '5, 6', '5,', ',5',
  '9007199254740993', '18446744073709551621', '99999999999999999999', '0', '00', '4294967301', '5\x0b', '05',
]; // prettier-ignore
const CODINGS = [
  '', ',', 'gzip', 'identity', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'chunked,', ',chunked',
  'xchunked', 'chunkedx', '"chunked"', 'chunked;a=b', 'chunk ed', 'chunked\x0b', '\x0cchunked', 'identity, chunked',
]; // prettier-ignore
const CHUNK_SIZES = [
  '', '-5', '+5', '0x5', '5_0', '5 ', ' 5', '5\t', '5g', 'g', '10000000000000005', 'fffffffffffffffff',
  '7fffffffffffffff', `${'0'.repeat(70)}5`, '5.', '5,', '\n5', '5\r5', '0', '4', '6', '00',
]; // prettier-ignore
const START_LINES = [
  'GET / HTTP/1.2', 'GET / HTTP/2.0', 'GET / HTTP/0.9', 'GET / HTTP/1.10', 'GET / HTTP/1', 'GET / HTTP/11', 'GET /',
  'GET / http/1.1', 'GET / HTTP/1.1 ', 'GET  / HTTP/1.1', 'GET /  HTTP/1.1', 'GET\t/ HTTP/1.1', 'GET /\tHTTP/1.1',
  ' GET / HTTP/1.1', 'GET / HTTP/1.1\t', 'GET /a b HTTP/1.1', 'GET  HTTP/1.1', ' / HTTP/1.1', 'GET a HTTP/1.1',
  'GET * HTTP/1.1', 'GET /#a HTTP/1.1', 'GET /\xe9 HTTP/1.1', 'GET /\x7f HTTP/1.1', 'GET /\x01 HTTP/1.1',
  'G(T / HTTP/1.1', '"GET" / HTTP/1.1', 'GET / HTTP /1.1', 'GET / XHTTP/1.1', 'GET / ICE/1.0', 'GET rtsp://a/ RTSP/1.0',
  'PRI * HTTP/2.0', 'GET http:/a HTTP/1.1', 'GET http:// HTTP/1.1', 'GET http://u:p@a/ HTTP/1.1', 'GET //a HTTP/1.1',
  'GET http://a b/ HTTP/1.1', 'CONNECT / HTTP/1.1', 'CONNECT a HTTP/1.1', 'CONNECT http://a/ HTTP/1.1', 'GET ?a HTTP/1.1',
  'OPTIONS * HTTP/1.1', 'CONNECT a:443 HTTP/1.1', 'CONNECT a:443 HTTP/1.0', 'GET a:443 HTTP/1.1', 'HTTP/1.1 200 OK', '',
  'GET ftp://a/ HTTP/1.1', 'GET mailto:a HTTP/1.1', 'GET /a\0 HTTP/1.1', 'SOURCE / HTTP/1.1', 'GET / HTTP/1.1\r',
]; // prettier-ignore
const FIELD_LINES = [
  'X-A : b', 'X-A\t: b', 'nonsense', ': b', 'X-A: b\r\n c', 'X-A: b\r\n\tc', 'X-A: b\r\n ', ' X-A: b', 'X A: b',
  'X(A): b', '"X-A": b', 'X/A: b', 'X\x01A: b', 'X\x7fA: b', 'X\xe9: b', 'X\0A: b', 'X-A: b\0c', 'X-A: b\x01c',
  'X-A: b\x7fc', 'X-A: b\x0bc', 'X-A: b\rc', 'X-A: b\r', 'X-A: b\nX-B: c', 'X-A: b\rContent-Length: 0', '\0', '\r',
  'Content-Length : 5', 'Transfer-Encoding : chunked', 'Content-Length\t:5', 'GET / HTTP/1.1',
  'Transfer-Encoding:\r\n chunked', 'Transfer\xadEncoding: chunked', 'Content_Length: 5', 'Content-Length:\x0b5',
  'Connection: close, keep-alive', 'Connection: \xa0close', 'Connection: keep-alive\r\nConnection: close',
  'Connection:', 'Connection: closed', 'Proxy-Connection: close', 'Connection: content-length',
  'Connection: upgrade\r\nUpgrade: websocket', 'Upgrade: websocket', 'Connection: upgrade',
  'Expect: 100-continue', 'Expect: 200-ok', 'Expect: 100-continue, x', 'TE: trailers', 'Host: b', 'Host:', 'host : a',
]; // prettier-ignore
const HOSTS = [
  '',
  'a b',
  'a/b',
  'a@b',
  'a:80:80',
  '[::1',
  'a,b',
  'a:x',
  '\xe9',
  'a#b',
  'a?b',
  '::1',
  'http://a',
  'a\\b',
];

const REQUEST_SHARDS: Shards = {
  shards: [
    '\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '5', 'f', '-', '+', '\x80', '\xff', '\x7f', '_', 'x', '#',
    '\r\n\r\n', '0\r\n\r\n', '5\r\nhello\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n',
    'GET / HTTP/1.1\r\n', 'Connection: close\r\n', 'ffffffff', NEXT, 'Expect: 100-continue\r\n', '*', '/', 'http://a/',
  ],
  extras: ['x', '\r\n', '\n', '\0', '\r\n\r\n', NEXT, '0\r\n\r\n', ' ', `\r\n${NEXT}`, `\n${NEXT}`, 'G', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  startLines: START_LINES,
}; // prettier-ignore

function isFraming(field: PlannedField): boolean {
  return /^(?:content-length|transfer-encoding)$/i.test(field.name);
}

/** A line as it stands, where fields are. */
function insertLine(fields: PlannedField[], line: string, random: Random): void {
  const colon = line.indexOf(':');
  const at = random.below(fields.length + 1);
  // A line without a colon rides on the value of another field.
  if (colon === -1)
    fields.splice(at, 0, { name: 'X', before: '', value: `\r\n${line}`, after: '' });
  else {
    const value = line.slice(colon + 1);
    fields.splice(at, 0, { name: line.slice(0, colon), before: '', value, after: '' });
  }
}

const PLAN_DAMAGE: Readonly<Record<string, PlanDamage>> = {
  'bad length': (plan, random) => {
    plan.fields = plan.fields.filter((field) => !isFraming(field));
    plan.fields.push(planField(random, 'Content-Length', random.pick(LENGTHS)));
    if (plan.body.kind !== 'length') plan.body = { kind: 'length', data: 'hello' };
  },
  'second length': (plan, random) => {
    const first = plan.fields.find((field) => /^content-length$/i.test(field.name));
    const value = random.oneIn(2) && first !== undefined ? first.value : random.pick(LENGTHS);
    plan.fields.push(planField(random, 'Content-Length', value));
  },
  'other length': (plan, random) => {
    for (const field of plan.fields)
      if (/^content-length$/i.test(field.name)) field.value = String(random.below(20));
  },
  'length and coding': (plan, random) => {
    const name = plan.body.kind === 'chunked' ? 'Content-Length' : 'Transfer-Encoding';
    const value = name === 'Content-Length' ? String(random.below(20)) : 'chunked';
    plan.fields.splice(random.below(2), 0, planField(random, name, value));
  },
  'odd coding': (plan, random) => {
    plan.fields = plan.fields.filter((field) => !isFraming(field));
    plan.fields.push(planField(random, 'Transfer-Encoding', random.pick(CODINGS)));
  },
  'second coding': (plan, random) => {
    const value = random.pick([...CODINGS, 'chunked', 'chunked']);
    plan.fields.push(planField(random, 'Transfer-Encoding', value));
  },
  'HTTP/1.0 all the same': (plan) => {
    plan.version = '1.0';
  },
  'bad chunk size': (plan, random) => {
    randomChunk(plan, random).size = random.pick(CHUNK_SIZES);
  },
  'bad chunk extension': (plan, random) => {
    randomChunk(plan, random).extension = random.pick([
      ';\0', ';a\nb', ';a\r', ';a\x7f', ';\x01', ' ', ' a', '\t', ';', ';;', ';a="', ' ; ', ';=', '\r', '\n', ';a="\r\n',
      ';a=\n0', ';\n',
    ]); // prettier-ignore
  },
  'chunk longer or shorter than its size': (plan, random) => {
    const chunk = randomChunk(plan, random);
    chunk.data = random.pick([`${chunk.data}x`, chunk.data.slice(1), `${chunk.data}\r`, '']);
  },
  'broken trailer': (plan, random) => {
    makeChunked(plan, random);
    if (plan.body.kind === 'chunked')
      insertLine(plan.body.trailers, random.pick(FIELD_LINES), random);
  },
  'framing among the trailers': (plan, random) => {
    makeChunked(plan, random);
    const name = random.pick(['Content-Length', 'Transfer-Encoding', 'Connection', 'Host']);
    const value = random.pick(['5', 'chunked', 'close', 'x']);
    if (plan.body.kind === 'chunked') plan.body.trailers.push(planField(random, name, value));
  },
  'odd field line': (plan, random) => {
    insertLine(plan.fields, random.pick(FIELD_LINES), random);
  },
  'odd host': (plan, random) => {
    for (const field of plan.fields)
      if (/^host$/i.test(field.name)) field.value = random.pick(HOSTS);
  },
  'second host': (plan, random) => {
    plan.fields.push(planField(random, 'Host', random.pick(['a', 'b', ''])));
  },
  'no host': (plan) => {
    plan.fields = plan.fields.filter((field) => !/^host$/i.test(field.name));
  },
  'odd target': (plan, random) => {
    plan.target = random.pick([
      '*', 'a', 'a:80', '/a#b', '/\xe9', 'http://a@b/', 'http:///', 'http://a:x/', '?', 'HTTP://a', '/a b', '/\t', 'x:y',
    ]); // prettier-ignore
  },
  'odd method': (plan, random) => {
    plan.method = random.pick([
      'CONNECT',
      'OPTIONS',
      'PRI',
      'TRACE',
      'ge t',
      'G@T',
      'GET\xe9',
      '',
      'TRACE',
    ]);
  },
  'empty lines before': (plan, random) => {
    plan.before = random.pick([
      '\r\n',
      '\r\n\r\n',
      '\n',
      '\r',
      '\r\r\n',
      '\n\r\n',
      ' \r\n',
      '\r\n \r\n',
    ]);
  },
};

function makeChunked(plan: RequestPlan, random: Random): void {
  if (plan.body.kind === 'chunked') return;
  plan.version = '1.1';
  if (plan.method === 'CONNECT') plan.method = 'PUT';
  plan.fields = plan.fields.filter((field) => !isFraming(field));
  plan.fields.push(planField(random, 'Transfer-Encoding', 'chunked'));
  plan.body = {
    kind: 'chunked',
    chunks: [planChunk(random, 'hello')],
    last: planChunk(random, ''),
    trailers: [],
  };
}

function randomChunk(plan: RequestPlan, random: Random) {
  makeChunked(plan, random);
  if (plan.body.kind !== 'chunked') throw new Error('the plan is not chunked');
  return random.pick([...plan.body.chunks, plan.body.last]);
}

/** Each goes past one of our bounds, or just up to it. */
const FLOODS: Readonly<Record<string, PlanDamage>> = {
  'a long target': (plan, random) => {
    plan.target = `/${'a'.repeat(random.pick([8_190, 8_191, 8_192, 20_000, 70_000]))}`;
  },
  'a long method': (plan, random) => {
    plan.method = 'M'.repeat(random.pick([16_000, 16_384, 70_000]));
  },
  'a long value': (plan, random) => {
    const length = random.pick([16_000, 16_384, 70_000]);
    plan.fields.push(planField(random, 'X', 'y'.repeat(length)));
  },
  'a long name': (plan, random) => {
    plan.fields.push(planField(random, 'X'.repeat(random.pick([16_000, 16_384, 70_000])), ''));
  },
  'many fields': (plan, random) => {
    const count = random.pick([250, 256, 257, 5_000]);
    plan.fields.push(...random.several(count, () => planField(random, 'X', 'y')));
  },
  'a large head': (plan, random) => {
    const count = random.pick([15, 16, 17]);
    plan.fields.push(...random.several(count, () => planField(random, 'X', 'y'.repeat(4_090))));
  },
  'a long chunk extension': (plan, random) => {
    const chunk = randomChunk(plan, random);
    const length = random.pick([4_095, 4_096, 4_097, 9_000]);
    chunk.extension = random.pick([';', ' ', ' ;']) + 'a'.repeat(length);
  },
  'many trailers': (plan, random) => {
    makeChunked(plan, random);
    const count = random.pick([256, 257, 1_000]);
    if (plan.body.kind === 'chunked')
      plan.body.trailers = random.several(count, () => planField(random, 'X', 'y'));
  },
  'a large trailer': (plan, random) => {
    makeChunked(plan, random);
    const length = random.pick([16_370, 16_384, 40_000]);
    if (plan.body.kind === 'chunked')
      plan.body.trailers.push(planField(random, 'X', 'y'.repeat(length)));
  },
  'many empty lines': (plan, random) => {
    plan.before = '\r\n'.repeat(random.pick([2, 100, 40_000]));
  },
};

/**
 * Odd and broken responses from a seed: a valid one, bent where parsers are known to trip. Most kinds
 * of damage change the plan, so that the rest stays well-formed and the oddity is reached; the last ones
 * change bytes, which finds the unexpected. What is right is not said here: the RFC leaves some
 * of it open, and the tests say which properties hold whatever comes.
 */
import { Random } from './random.js';
import { planChunk, planField, planResponse } from './response-generator.js';
import { damageText, mutateText, type Shards } from './text-damage.js';
import { render, type PlannedField, type ResponsePlan } from './response-plan.js';

export interface DamagedResponse {
  readonly seed: number;
  readonly method: string;
  /** Which kinds of damage were done, in order. */
  readonly damage: readonly string[];
  readonly bytes: Buffer;
}

type PlanDamage = (plan: ResponsePlan, random: Random) => void;

export function damagedResponse(seed: number, withFloods = false): DamagedResponse {
  const random = new Random(seed);
  const plan = planResponse(random);
  const damage: string[] = [];
  const choose = <T>(table: Readonly<Record<string, T>>): T => {
    const name = random.pick(Object.keys(table));
    damage.push(name);
    return table[name] as T;
  };
  const kind = random.below(8);
  if (kind < 5) choose(PLAN_DAMAGE)(plan, random);
  if (withFloods && random.oneIn(400)) choose(FLOODS)(plan, random);
  let text = render(plan);
  for (let left = kind < 4 ? 0 : kind === 7 ? 2 : 1; left > 0; left -= 1) {
    const [name, damaged] = damageText(text, random, RESPONSE_SHARDS);
    damage.push(name);
    text = damaged;
  }
  return { seed, method: plan.method, damage, bytes: Buffer.from(text, 'latin1') };
}

/** Bytes changed at random: for inputs that were interesting once. */
export function mutate(text: string, random: Random): string {
  return mutateText(text, random, RESPONSE_SHARDS);
}

const LENGTHS = [
  '', ' ', '-5', '+5', '0x5', '5a', '5 5', '5;5', '5.0', '1e1', '"5"', '\xd9\xa5', '5, 5', '5,5', '5, 6', '5,', ',5',
  '9007199254740993', '18446744073709551621', '99999999999999999999', '0', '00', '4294967301', '5\x0b',
]; // prettier-ignore
const CODINGS = [
  '', ',', 'gzip', 'identity', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', 'chunked,', ',chunked',
  'xchunked', 'chunkedx', '"chunked"', 'chunked;a=b', 'chunk ed', 'chunked\x0b', '\x0cchunked', 'trailers',
]; // prettier-ignore
const CHUNK_SIZES = [
  '', '-5', '+5', '0x5', '5_0', '5 ', ' 5', '5\t', '5g', 'g', '10000000000000005', 'fffffffffffffffff',
  '7fffffffffffffff', `${'0'.repeat(70)}5`, '5.', '5,', '\n5', '5\r5', '0', '4', '6', '00',
]; // prettier-ignore
const STATUS_LINES = [
  'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 2OO OK', 'HTTP/1.1 -20 OK', 'HTTP/1.1 000 OK', 'HTTP/1.1 099 OK',
  'HTTP/1.1 600 Odd', 'HTTP/1.1 999 Odd', 'HTTP/1.1200 OK', 'HTTP/1.1 200OK', 'HTTP/1.1  200 OK', 'HTTP/1.1\t200 OK',
  ' HTTP/1.1 200 OK', 'http/1.1 200 OK', 'HTTP/2.0 200 OK', 'HTTP/1.2 200 OK', 'HTTP/0.9 200 OK', 'HTTP/1 200 OK',
  'HTTP/1.10 200 OK', 'HTTP/ 200 OK', 'HTTP/1.1', 'HTTP/1.1 ', 'ICY 200 OK', 'SSH-2.0-OpenSSH_9.6', 'GET / HTTP/1.1',
  'RTSP/1.0 200 OK', '', 'HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 200 O\x7fK', 'HTTP/1.1 200\t',
]; // prettier-ignore
const FIELD_LINES = [
  'X-A : b', 'X-A\t: b', 'nonsense', ': b', 'X-A: b\r\n c', 'X-A: b\r\n\tc', 'X-A: b\r\n ', ' X-A: b', 'X A: b',
  'X(A): b', '"X-A": b', 'X/A: b', 'X\x01A: b', 'X\x7fA: b', 'X\xe9: b', 'X\0A: b', 'X-A: b\0c', 'X-A: b\x01c',
  'X-A: b\x7fc', 'X-A: b\x0bc', 'X-A: b\rc', 'X-A: b\r', 'X-A: b\nX-B: c', 'X-A: b\rContent-Length: 0', '\0', '\r',
  'Content-Length : 5', 'Transfer-Encoding : chunked', 'Content-Length\t:5', 'HTTP/1.1 200 OK',
  'Connection: upgrade\r\nUpgrade: websocket', 'Connection: close, keep-alive', 'Connection: \xa0close',
  'Connection: keep-alive\r\nConnection: close', 'Connection:', 'Connection: closed', 'Proxy-Connection: close',
  'Keep-Alive: timeout=0', 'Keep-Alive: timeout=1', 'Keep-Alive: max=0', 'Keep-Alive: timeout=x, max=-1',
]; // prettier-ignore
const SHARDS = [
  '\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '5', 'f', '-', '+', '\x80', '\xff', '\x7f', '_', 'x',
  '\r\n\r\n', '0\r\n\r\n', '5\r\nhello\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n',
  'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', 'Connection: close\r\n', 'ffffffff',
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
]; // prettier-ignore

/** What follows a response although nothing may. */
const EXTRAS = [
  'x', '\r\n', '\n', '\0', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', 'HTTP/1.1 408 Request Timeout\r\n\r\n',
  '0\r\n\r\n', ' ',
]; // prettier-ignore

const RESPONSE_SHARDS: Shards = { shards: SHARDS, extras: EXTRAS, startLines: STATUS_LINES };

function isFraming(field: PlannedField): boolean {
  return /^(?:content-length|transfer-encoding)$/i.test(field.name);
}

/** A line as it stands, where fields are. */
function insertLine(fields: PlannedField[], line: string, random: Random): void {
  const colon = line.indexOf(':');
  const field =
    colon === -1
      ? undefined
      : { name: line.slice(0, colon), before: '', value: line.slice(colon + 1), after: '' };
  // A line without a colon rides on the value of another field.
  const at = random.below(fields.length + 1);
  if (field !== undefined) fields.splice(at, 0, field);
  else fields.splice(at, 0, { name: 'X', before: '', value: `\r\n${line}`, after: '' });
}

const PLAN_DAMAGE: Readonly<Record<string, PlanDamage>> = {
  'bad length': (plan, random) => {
    plan.head.fields = plan.head.fields.filter((field) => !isFraming(field));
    plan.head.fields.push(planField(random, 'Content-Length', random.pick(LENGTHS)));
    if (plan.body.kind === 'chunked') plan.body = { kind: 'length', data: 'hello' };
  },
  'second length': (plan, random) => {
    const first = plan.head.fields.find((field) => /^content-length$/i.test(field.name));
    const value = random.oneIn(2) && first !== undefined ? first.value : random.pick(LENGTHS);
    plan.head.fields.push(planField(random, 'Content-Length', value));
  },
  'other length': (plan, random) => {
    for (const field of plan.head.fields)
      if (/^content-length$/i.test(field.name)) field.value = String(random.below(20));
  },
  'length and coding': (plan, random) => {
    const name = plan.body.kind === 'chunked' ? 'Content-Length' : 'Transfer-Encoding';
    const value = name === 'Content-Length' ? String(random.below(20)) : 'chunked';
    plan.head.fields.splice(random.below(2), 0, planField(random, name, value));
  },
  'odd coding': (plan, random) => {
    plan.head.fields = plan.head.fields.filter((field) => !isFraming(field));
    plan.head.fields.push(planField(random, 'Transfer-Encoding', random.pick(CODINGS)));
  },
  'second coding': (plan, random) => {
    const value = random.pick([...CODINGS, 'chunked', 'chunked']);
    plan.head.fields.push(planField(random, 'Transfer-Encoding', value));
  },
  'chunked in HTTP/1.0': (plan) => {
    plan.head.version = '1.0';
  },
  'bad chunk size': (plan, random) => {
    makeChunked(plan, random);
    const chunk = randomChunk(plan, random);
    chunk.size = random.pick(CHUNK_SIZES);
  },
  'bad chunk extension': (plan, random) => {
    makeChunked(plan, random);
    randomChunk(plan, random).extension = random.pick([
      ';\0', ';a\nb', ';a\r', ';a\x7f', ';\x01', ' ', ' a', '\t', ';', ';;', ';a="', ' ; ', ';=', '\r', '\n', ';a="\r\n',
    ]); // prettier-ignore
  },
  'chunk longer or shorter than its size': (plan, random) => {
    makeChunked(plan, random);
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
    if (plan.body.kind === 'chunked')
      plan.body.trailers.push(
        planField(
          random,
          random.pick(['Content-Length', 'Transfer-Encoding', 'Connection']),
          random.pick(['5', 'chunked', 'close', 'x']),
        ),
      );
  },
  'odd field line': (plan, random) => {
    insertLine(plan.head.fields, random.pick(FIELD_LINES), random);
  },
  'odd status': (plan, random) => {
    plan.head.status = random.pick([101, 100, 204, 205, 304, 408, 600, 999, 0, 99, 1000]);
  },
  'odd reason': (plan, random) => {
    plan.head.reason = random.pick([
      ' O\0K',
      ' O\rK',
      ' O\nK',
      ' O\x7fK',
      ' O\x01',
      '\t',
      '  ',
      'OK',
    ]);
  },
  'body where none may be': (plan, random) => {
    if (random.oneIn(2)) plan.method = 'HEAD';
    else plan.head.status = random.pick([204, 304]);
    plan.body = { kind: 'length', data: 'hello' };
  },
  'many informational': (plan, random) => {
    const count = random.pick([31, 32, 33]);
    plan.informational = random.several(count, () => ({
      version: '1.1',
      status: 103,
      reason: '',
      fields: [],
    }));
  },
  'odd informational': (plan, random) => {
    plan.informational.push({
      version: random.pick(['1.1', '1.0']),
      status: random.pick([100, 101, 102, 199]),
      reason: ' Odd',
      fields: [
        planField(random, 'Content-Length', random.pick(['5', '0', 'x'])),
        planField(random, 'Transfer-Encoding', random.pick(['chunked', 'x'])),
        planField(random, 'Connection', random.pick(['close', 'upgrade'])),
      ].slice(random.below(3)),
    });
  },
};

function makeChunked(plan: ResponsePlan, random: Random): void {
  if (plan.body.kind === 'chunked') return;
  plan.method = 'GET';
  plan.head.version = '1.1';
  plan.head.status = 200;
  plan.head.fields = plan.head.fields.filter((field) => !isFraming(field));
  plan.head.fields.push(planField(random, 'Transfer-Encoding', 'chunked'));
  plan.body = {
    kind: 'chunked',
    chunks: [planChunk(random, 'hello')],
    last: planChunk(random, ''),
    trailers: [],
  };
}

function randomChunk(plan: ResponsePlan, random: Random) {
  if (plan.body.kind !== 'chunked') throw new Error('the plan is not chunked');
  return random.pick([...plan.body.chunks, plan.body.last]);
}

/** Each goes past one of our bounds, or just up to it. */
const FLOODS: Readonly<Record<string, PlanDamage>> = {
  'a long reason': (plan, random) => {
    plan.head.reason = ` ${'O'.repeat(random.pick([16_369, 16_370, 20_000]))}`;
  },
  'a long value': (plan, random) => {
    plan.head.fields.push(
      planField(random, 'X', 'y'.repeat(random.pick([16_000, 16_384, 70_000]))),
    );
  },
  'a long name': (plan, random) => {
    plan.head.fields.push(planField(random, 'X'.repeat(random.pick([16_000, 16_384, 70_000])), ''));
  },
  'many fields': (plan, random) => {
    const count = random.pick([250, 256, 257, 5_000]);
    plan.head.fields.push(...random.several(count, () => planField(random, 'X', 'y')));
  },
  'a large head': (plan, random) => {
    const count = random.pick([15, 16, 17]);
    plan.head.fields.push(
      ...random.several(count, () => planField(random, 'X', 'y'.repeat(4_090))),
    );
  },
  'a long chunk extension': (plan, random) => {
    makeChunked(plan, random);
    const length = random.pick([4_095, 4_096, 4_097, 9_000]);
    randomChunk(plan, random).extension = random.pick([';', ' ', ' ;']) + 'a'.repeat(length);
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
};

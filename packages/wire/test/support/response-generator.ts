/**
 * Valid HTTP/1.x responses from a seed, as odd as the grammar allows (RFC 9112 §4 to §7): every
 * framing, 1xx before, trailers, chunk extensions, any case, blanks around values, obs-text, empty
 * reason phrases, HTTP/1.0. Each comes with what a right reading of it is.
 *
 * What is broken on purpose is in response-damage.ts.
 */
import { Random } from './random.js';
import {
  expectedParse,
  render,
  type ExpectedParse,
  type PlannedBody,
  type PlannedChunk,
  type PlannedField,
  type PlannedHead,
  type ResponsePlan,
} from './response-plan.js';

export interface ValidResponse {
  readonly seed: number;
  /** Of the request it answers. */
  readonly method: string;
  readonly bytes: Buffer;
  readonly expected: ExpectedParse;
}

export function validResponse(seed: number): ValidResponse {
  const plan = planResponse(new Random(seed));
  const bytes = Buffer.from(render(plan), 'latin1');
  return { seed, method: plan.method, bytes, expected: expectedParse(plan) };
}

const NAMES = [
  'X-A', 'x-b', 'ETag', 'Server', 'DATE', 'vAry', 'Q', "!#$%&'*+-.^_`|~09azAZ", 'Set-Cookie',
  'Content-Type', '__proto__', 'constructor', 'Content-Lengths', 'X-Transfer-Encoding', 'Connections',
]; // prettier-ignore
const VALUES = [
  '', 'b', 'b c', 'b \t c', '"a, b"; c=d', 'a:b:c', ':', ',', '5', 'chunked', 'close', '\xe9\xff\x80',
  '\xc3\xa9', 'Wed, 21 Oct 2015 07:28:00 GMT', '!#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', 'HTTP/1.1 200 OK',
]; // prettier-ignore
const BLANKS_BEFORE = [' ', ' ', ' ', '', '\t', '  \t '] as const;
const BLANKS_AFTER = ['', '', '', ' ', '\t', ' \t '] as const;
const REASONS = [
  ' OK',
  ' OK',
  ' ',
  '',
  ' All is well',
  ' O\tK',
  ' Tr\xe8s bien',
  ' 404',
  ' O:K; "x"',
];
const STATUSES = [200, 200, 200, 200, 201, 206, 299, 301, 400, 404, 426, 500, 503, 599];
const DATA = [
  'h',
  'hello',
  'hello world, and more of it',
  '\r\n',
  '0\r\n\r\n',
  '\0\xff\x80\r',
  'HTTP/1.1 ',
];

export function planResponse(random: Random): ResponsePlan {
  const method = random.pick(['GET', 'GET', 'GET', 'POST', 'HEAD']);
  const status = random.oneIn(6) ? random.pick([204, 304]) : random.pick(STATUSES);
  const head: PlannedHead = {
    version: random.oneIn(5) ? '1.0' : '1.1',
    status,
    reason: random.pick(REASONS),
    fields: someFields(random, 4),
  };
  const informational = random.oneIn(5)
    ? random.several(1 + random.below(2), () => planInformational(random))
    : [];
  head.fields.push(...keepAliveFields(random));
  const isBodiless = method === 'HEAD' || status === 204 || status === 304;
  const body = isBodiless ? noBody(random, head) : planBody(random, head);
  shuffle(random, head.fields);
  return { method, informational, head, body };
}

/** Blanks around the values that frame are rare: other readers stumble there, and then see nothing else. */
export function planField(random: Random, name: string, value: string): PlannedField {
  const spelled = random.pick([name, name, name.toLowerCase(), name.toUpperCase()]);
  const isPlain = /^(?:content-length|transfer-encoding)$/i.test(name) && !random.oneIn(12);
  return {
    name: spelled,
    before: isPlain ? ' ' : random.pick(BLANKS_BEFORE),
    value,
    after: isPlain ? '' : random.pick(BLANKS_AFTER),
  };
}

/** A chunk in one of the spellings of its size, perhaps with extensions (RFC 9112 §7.1.1). */
export function planChunk(random: Random, data: string): PlannedChunk {
  const digits = data.length.toString(16);
  return {
    size: random.pick([digits, digits, digits.toUpperCase(), `00${digits}`]),
    extension: random.oneIn(3)
      ? random.pick([';a', ';a=b', ';a=b;c', ';a="b;\\"c"', ';a="\t\xe9"', ' ;a', '\t; a = b'])
      : '',
    data,
  };
}

function planBody(random: Random, head: PlannedHead): PlannedBody {
  const data = someData(random);
  const kind = random.below(8);
  // HTTP/1.0 knows no chunks (RFC 9112 §6.1): that is for the damage to try.
  if (kind < 4 && head.version === '1.1') {
    head.fields.push(
      planField(
        random,
        'Transfer-Encoding',
        random.pick(['chunked', 'chunked', 'Chunked', 'CHUNKED']),
      ),
    );
    return {
      kind: 'chunked',
      chunks: random.several(random.below(4), () => planChunk(random, random.pick(DATA))),
      last: { ...planChunk(random, ''), size: random.pick(['0', '0', '000']) },
      trailers: random.oneIn(3) ? someFields(random, 3) : [],
    };
  }
  if (kind === 7) return { kind: 'until-close', data };
  const length = random.oneIn(5) ? '' : data;
  head.fields.push(
    planField(
      random,
      'Content-Length',
      random.oneIn(8) ? `00${length.length}` : String(length.length),
    ),
  );
  return { kind: 'length', data: length };
}

/** HEAD, 204 and 304: a length or a coding may be there, and says nothing of this message. */
function noBody(random: Random, head: PlannedHead): PlannedBody {
  if (head.status !== 204 && random.oneIn(2))
    head.fields.push(
      head.version === '1.1' && random.oneIn(3)
        ? planField(random, 'Transfer-Encoding', 'chunked')
        : planField(random, 'Content-Length', '1234'),
    );
  return { kind: 'none' };
}

function planInformational(random: Random): PlannedHead {
  return {
    version: '1.1',
    status: random.pick([100, 102, 103, 103, 199]),
    reason: random.pick([' Continue', ' ', ' Early Hints']),
    fields: random.oneIn(2) ? [planField(random, 'Link', '</a>; rel=preload')] : [],
  };
}

function keepAliveFields(random: Random): PlannedField[] {
  switch (random.below(6)) {
    case 0:
      return [planField(random, 'Connection', random.pick(['close', 'Close', 'close, x-a']))];
    case 1:
      return [planField(random, 'Connection', random.pick(['keep-alive', 'Keep-Alive']))];
    case 2:
      return [
        planField(random, 'Connection', 'keep-alive, x-a'),
        planField(random, 'Keep-Alive', random.pick(['timeout=60', 'timeout=30, max=100'])),
      ];
    default:
      return [];
  }
}

export function someFields(random: Random, max: number): PlannedField[] {
  return random.several(random.below(max + 1), () =>
    planField(random, random.pick(NAMES), random.pick(VALUES)),
  );
}

export function someData(random: Random): string {
  if (random.oneIn(20)) return 'x'.repeat(random.below(3_000));
  return random.several(random.below(4), () => random.pick(DATA)).join('');
}

export function shuffle(random: Random, list: PlannedField[]): void {
  for (let i = list.length - 1; i > 0; i -= 1) {
    const other = random.below(i + 1);
    [list[i], list[other]] = [list[other]!, list[i]!];
  }
}

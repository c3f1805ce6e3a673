/**
 * Valid HTTP/1.x requests from a seed, as odd as the grammar allows (RFC 9112 §3 to §7): every form of a target, every
 * framing, trailers, chunk extensions, any case, blanks around values, obs-text, HTTP/1.0 with and without a Host. Each
 * comes with what a right reading of it is. What is broken on purpose is in request-damage.ts.
 */
import { Random } from './random.js';
import {
  expectedRequest,
  renderRequest,
  type ExpectedRequest,
  type RequestPlan,
} from './request-plan.js';
import { planChunk, planField, shuffle, someData, someFields } from './response-generator.js';
import type { PlannedBody, PlannedChunk, PlannedField } from './response-plan.js';

export interface ValidRequest {
  readonly seed: number;
  readonly bytes: Buffer;
  readonly expected: ExpectedRequest;
}

export function validRequest(seed: number): ValidRequest {
  const plan = planRequest(new Random(seed));
  return {
    seed,
    bytes: Buffer.from(renderRequest(plan), 'latin1'),
    expected: expectedRequest(plan),
  };
}

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'M-SEARCH',
];
/** Tokens all the same; what llhttp does not have in its list, it refuses. */
const OTHER_METHODS = ['BREW', 'get', 'G', "!#$%&'*+-.^_`|~09azAZ", 'GETT'];
const PATHS = [
  '/', '/a', '/a/b?c=d&e', '/a?b?c', '/%41%2f', '//x', '/a;b=c/../d', '/?', "/~!$&'()*+,;=:@", '/a|b^c`{d}', '/"<>\\',
]; // prettier-ignore
const URLS = [
  'http://example.com/x?y',
  'http://example.com',
  'https://[::1]:80/',
  'http://a?b',
  'http://A.b:80',
];
const AUTHORITIES = ['example.com:443', '[::1]:8443', 'a:1'];
const HOSTS = [
  'example.com',
  'example.com:8080',
  '[::1]:80',
  'EXAMPLE.com',
  '127.0.0.1',
  'a_b',
  'a:',
];

export function planRequest(random: Random): RequestPlan {
  const version = random.oneIn(6) ? '1.0' : '1.1';
  const before = random.oneIn(12) ? '\r\n' : '';
  if (random.oneIn(24)) return planConnect(random, before);
  const method = random.oneIn(24) ? random.pick(OTHER_METHODS) : random.pick(METHODS);
  const isServerWide = method === 'OPTIONS' && random.oneIn(2);
  const isAbsolute = !isServerWide && random.oneIn(8);
  const fields = someFields(random, 4);
  fields.push(...connectionFields(random));
  const body = planBody(random, version, fields);
  if (body.kind !== 'none' && random.oneIn(8))
    fields.push(planField(random, 'Expect', random.pick(['100-continue', '100-Continue'])));
  // HTTP/1.0 knows no Host (RFC 9112 §3.2), and most clients send it.
  if (version === '1.1' || !random.oneIn(3))
    fields.push(planField(random, 'Host', random.pick(HOSTS)));
  // The RFC allows a tab after a value that frames the body; other readers take it for a part of the value, so this is
  // one of the oddities that are refused: request-damage.ts.
  for (const field of fields)
    if (/^(?:content-length|transfer-encoding)$/i.test(field.name))
      field.after = field.after.replaceAll('\t', '');
  shuffle(random, fields);
  return {
    before,
    method,
    target: isServerWide ? '*' : random.pick(isAbsolute ? URLS : PATHS),
    form: isServerWide ? 'asterisk' : isAbsolute ? 'absolute' : 'origin',
    version,
    fields,
    body,
  };
}

function planConnect(random: Random, before: string): RequestPlan {
  const target = random.pick(AUTHORITIES);
  const fields = [planField(random, 'Host', target), ...someFields(random, 2)];
  const body: PlannedBody = { kind: 'none' };
  return { before, method: 'CONNECT', target, form: 'authority', version: '1.1', fields, body };
}

function planBody(random: Random, version: string, fields: PlannedField[]): PlannedBody {
  const kind = random.below(6);
  // HTTP/1.0 knows no chunks (RFC 9112 §6.1): that is for the damage to try.
  if (kind < 2 && version === '1.1') {
    const coding = random.pick(['chunked', 'chunked', 'Chunked', 'CHUNKED']);
    fields.push(planField(random, 'Transfer-Encoding', coding));
    return {
      kind: 'chunked',
      chunks: random.several(random.below(4), () => {
        const data = someData(random).slice(0, 40);
        return strictly(planChunk(random, data === '' ? 'h' : data));
      }),
      last: { ...strictly(planChunk(random, '')), size: random.pick(['0', '0', '000']) },
      trailers: random.oneIn(3) ? someFields(random, 3) : [],
    };
  }
  if (kind === 5) return { kind: 'none' };
  const data = random.oneIn(5) ? '' : someData(random);
  const digits = random.oneIn(8) ? `00${data.length}` : String(data.length);
  fields.push(planField(random, 'Content-Length', digits));
  return { kind: 'length', data };
}

/** Blanks around an extension are for responses: here they are refused. */
function strictly(chunk: PlannedChunk): PlannedChunk {
  return { ...chunk, extension: chunk.extension.replaceAll(/^[ \t]+|(?<=;) | (?==)|(?<==) /g, '') };
}

function connectionFields(random: Random): PlannedField[] {
  switch (random.below(12)) {
    case 0:
      return [
        planField(random, 'Connection', random.pick(['close', 'Close', 'close, x-a', 'x-a,close'])),
      ];
    case 1:
    case 2:
      return [
        planField(
          random,
          'Connection',
          random.pick(['keep-alive', 'Keep-Alive', 'keep-alive, te']),
        ),
      ];
    case 3:
      return [
        planField(random, 'Connection', random.pick(['Upgrade', 'keep-alive, upgrade'])),
        planField(random, 'Upgrade', random.pick(['websocket', 'h2c, x/2'])),
      ];
    default:
      return [];
  }
}

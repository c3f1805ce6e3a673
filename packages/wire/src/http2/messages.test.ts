/** Messages and what makes them malformed: RFC 9113 §8. */
import { describe, expect, it } from 'vitest';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  Lone,
  OK,
  padded,
} from '../../test/support/frames.js';
import { Pair } from '../../test/support/http2.js';
import { fieldsOf } from '../head.js';
import { WireError } from '../wire-error.js';

type Field = string | readonly [string, string];

/** A client that has asked, and what its call is told of these frames. */
function answered(
  method: string,
  ...frames: Buffer[]
): { log: string[]; reason: string; lone: Lone } {
  const lone = new Lone('client');
  const call = lone.request({ method });
  lone.said();
  lone.feed(...frames);
  const { log, error } = call;
  return { log, lone, reason: error instanceof WireError ? error.reason : 'none' };
}

it('blanks around a value are not sent, in either role: they would be malformed (§8.2.1)', () => {
  const pair = new Pair();
  const call = pair.request({ fields: ['a', ' 1\t', 'b', ' \t ', 'c', '1 2'] }, true);
  pair.run();
  const [served] = pair.served;
  expect([...fieldsOf(served!.head!)]).toEqual([['a', '1'], ['b', ''], ['c', '1 2']]); // prettier-ignore
  served!.stream.respond(200, ['d', '\t1 '], false);
  served!.stream.end(['e', ' 1']);
  pair.run();
  expect([...fieldsOf(call.head!), ...fieldsOf(call.trailers!)]).toEqual([['d', '1'], ['e', '1']]); // prettier-ignore
});

it('a body where none can be is not called longer than a content-length that was not sent', () => {
  const lone = new Lone('client');
  const call = lone.request({ method: 'HEAD' });
  lone.feed(headers(1, OK, END_HEADERS), data(1, 'a', END_STREAM));
  expect(call.error?.message).toBe('a body where none can be (RFC 9113 §8.1.1)');
});

describe('what is wrong with a field', () => {
  const HUGE = 'x'.repeat(10_000);

  it.each<[string, Field]>([
    ['a name', [`${HUGE} `, '1']],
    ['a name with a line break', ['a\r\nb', '1']],
    ['a pseudo-field', [`:${HUGE}`, '1']],
    ['a pseudo-field with a line break', [':a\r\nb: c', '1']],
    ['the name of a bad value', [HUGE, ' ']],
    ['the name of a bad value, with a line break', [':a\r\nb', ' ']],
    ['a length', ['content-length', HUGE]],
    ['a length of digits', ['content-length', '1'.repeat(10_000)]],
  ])('is said in one short line: %s', (_, field) => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.feed(headers(1, Buffer.concat([OK, block(field)])));
    expect(call.error?.message).toMatch(/^[\x20-\x7e…§]{1,150}$/);
  });
});

describe('a response', () => {
  it('is a head, DATA and trailers', () => {
    const lone = new Lone('client');
    const call = lone.request();
    const fields = block(':status: 200', 'a: 1', 'content-encoding: gzip', 'A-b: '.toLowerCase());
    lone.feed(headers(1, fields, END_HEADERS), data(1, 'ab'), padded(0, 1, Buffer.from('c'), 9));
    lone.feed(headers(1, block('x-sum: 3')));
    expect(call.log).toEqual(['head 200', 'data 2', 'data 1', 'end']);
    expect([...fieldsOf(call.head!)]).toEqual([
      ['a', '1'],
      ['content-encoding', 'gzip'],
      ['a-b', ''],
    ]);
    expect(call.head).toMatchObject({ isEncoded: true, bodyLength: -1, reasonEnd: 0 });
    expect([...fieldsOf(call.trailers!)]).toEqual([['x-sum', '3']]);
    expect(lone.side.log.at(-1)).toBe('closed 1');
  });

  it('may have informational heads in front of it', () => {
    const early = headers(1, block(':status: 103', 'link: a'), END_HEADERS);
    expect(answered('GET', early, early, headers(1, OK)).log).toEqual([
      'informational 103',
      'informational 103',
      'head 200',
      'end',
    ]);
  });

  it.each<[string, string, Buffer[]]>([
    ['a 101', 'unasked-switch', [headers(1, block(':status: 101'), END_HEADERS)]],
    ['a 1xx that ends', 'message-order', [headers(1, block(':status: 100'))]],
    ['DATA in front of it', 'message-order', [data(1, 'a')]],
    ['DATA behind a 1xx', 'message-order', [headers(1, block(':status: 100'), 4), data(1, 'a')]],
    [
      'trailers that do not end',
      'message-order',
      [headers(1, OK, 4), headers(1, block('a: 1'), 4)],
    ],
    ['a second head', 'pseudo-field', [headers(1, OK, 4), headers(1, OK)]],
    [
      'a length among the trailers',
      'framing-in-trailers',
      [headers(1, OK, 4), headers(1, block('content-length: 0'))],
    ],
  ])('with %s is reset', (_, reason, frames) => {
    const { lone, ...got } = answered('GET', ...frames);
    expect(got.reason).toBe(reason);
    expect(got.log.at(-1)).toBe('failed');
    expect(lone.said()).toEqual(['RST_STREAM 1 1']);
    expect(lone.side.log.at(-1)).toBe('closed 1');
    expect(lone.codec.activeCount).toBe(0);
  });

  it('is bounded in its 1xx', () => {
    const early = headers(1, block(':status: 100'), END_HEADERS);
    const frames = new Array<Buffer>(11).fill(early);
    expect(answered('GET', ...frames.slice(1)).log).toHaveLength(10);
    expect(answered('GET', ...frames)).toMatchObject({ reason: 'too-many-informational' });
  });

  it.each<[string, Field[]]>([
    ['no :status', []],
    ['two', [':status: 200', ':status: 200']],
    ['a :status behind a field', ['a: 1', ':status: 200']],
    ['a field of a request', [':status: 200', ':path: /']],
    ['an unknown one', [':status: 200', ':reason: OK']],
    ['a :status of two digits', [':status: 20']],
    ['a :status of four', [':status: 2000']],
    ['a :status that is a word', [':status: abc']],
    ['a :status below 100', [':status: 099']],
  ])('with pseudo-fields that are malformed is reset: %s (§8.3)', (_, fields) => {
    expect(answered('GET', headers(1, block(...fields))).reason).toBe('pseudo-field');
  });

  it.each<[string, Field, string]>([
    ['upper case', 'Accept: a', 'field'],
    ['a blank in a name', 'a b: 1', 'field'],
    ['no name', ['', 'a'], 'field'],
    ['NUL', ['a', 'x\0y'], 'field'],
    ['CR', ['a', 'x\ry'], 'field'],
    ['LF', ['a', 'x\ny'], 'field'],
    ['a blank in front', ['a', ' x'], 'field'],
    ['a tab behind', ['a', 'x\t'], 'field'],
    ['Connection', 'connection: close', 'connection-field'],
    ['Keep-Alive', 'keep-alive: a', 'connection-field'],
    ['Proxy-Connection', 'proxy-connection: a', 'connection-field'],
    ['Transfer-Encoding', 'transfer-encoding: chunked', 'connection-field'],
    ['Upgrade', 'upgrade: h2c', 'connection-field'],
    ['TE', 'te: trailers', 'connection-field'],
  ])('with a field that is malformed is reset: %s (§8.2)', (_, field, reason) => {
    expect(answered('GET', headers(1, block(':status: 200', field))).reason).toBe(reason);
    expect(answered('GET', headers(1, OK, END_HEADERS), headers(1, block(field))).reason).toBe(
      reason,
    );
  });

  it('that is malformed does not hinder the next one: the table of HPACK is in step', () => {
    const lone = new Lone('client');
    const [bad, good] = [lone.request(), lone.request()];
    // `x-a: 1` goes into the table, behind what is wrong.
    const first = Buffer.concat([
      block(':status: 200', 'Bad: 1'),
      Buffer.from('4003782d610131', 'hex'),
    ]);
    lone.feed(headers(1, first), headers(3, Buffer.concat([OK, Buffer.from([0xbe])])));
    expect(bad.log).toEqual(['failed']);
    expect([...fieldsOf(good.head!)]).toEqual([['x-a', '1']]);
  });
});

describe('content-length (§8.1.1)', () => {
  const ok = (length: string, flags = END_HEADERS): Buffer =>
    headers(1, block(':status: 200', `content-length: ${length}`), flags);

  it.each<[string, Buffer[]]>([
    ['less', [ok('3'), data(1, 'ab', END_STREAM)]],
    ['less, with trailers', [ok('3'), data(1, 'ab'), headers(1, block('a: 1'))]],
    ['nothing', [ok('3', END_HEADERS | END_STREAM)]],
    ['an empty end', [ok('3'), data(1, '', END_STREAM)]],
    ['more', [ok('3'), data(1, 'abcd')]],
    ['more, in the next frame', [ok('3'), data(1, 'abc'), data(1, 'd')]],
    ['more than 0', [ok('0'), data(1, 'a')]],
  ])('and a body of another length: %s', (_, frames) => {
    const { reason, lone } = answered('GET', ...frames);
    expect(reason).toBe('body-length');
    expect(lone.said()).toEqual(['RST_STREAM 1 1']);
  });

  it('does not count padding', () => {
    const body = padded(0, 1, Buffer.from('abc'), 200, END_STREAM);
    expect(answered('GET', ok('3'), body).log).toEqual(['head 200', 'data 3', 'end']);
  });

  it('gives what was announced, wherever the network cut what is beyond it', () => {
    const bytes = data(1, 'abcd');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const lone = new Lone('client');
      const call = lone.request();
      lone.feed(ok('3'));
      lone.feed(bytes.subarray(0, cut)).feed(bytes.subarray(cut));
      expect([call.body, call.log.at(-1)]).toEqual(['abc', 'failed']);
    }
  });

  it.each([
    'a',
    '-1',
    '1.5',
    '',
    '1 2',
    '0x1',
    '1234567890123456',
    '5, 6',
    ',',
    '5,'.repeat(2) + '4',
  ])('that is none is malformed: %j', (length) => {
    const got = answered('GET', ok(length, END_HEADERS));
    expect(['content-length', 'length-too-large']).toContain(got.reason);
  });

  it('of a response counts once, if all say the same', () => {
    const fields = block(':status: 200', 'content-length: 3', 'content-length: 3, 3');
    const frames = [headers(1, fields, END_HEADERS), data(1, 'abc', END_STREAM)];
    expect(answered('GET', ...frames).log).toEqual(['head 200', 'data 3', 'end']);
    const twice = block(':status: 200', 'content-length: 3', 'content-length: 4');
    expect(answered('GET', headers(1, twice, 4)).reason).toBe('content-length');
  });

  it.each([
    ['HEAD', '200'],
    ['GET', '204'],
    ['GET', '304'],
  ])('of a %s with %s announces nothing', (method, status) => {
    const fields = block(`:status: ${status}`, 'content-length: 9');
    expect(answered(method, headers(1, fields)).log).toEqual([`head ${status}`, 'end']);
    const late = answered(method, headers(1, fields, END_HEADERS), data(1, '', END_STREAM));
    expect(late.log).toEqual([`head ${status}`, 'end']);
    const body = answered(method, headers(1, fields, END_HEADERS), data(1, 'a'));
    expect(body.reason).toBe('body-length');
  });

  it('of a tunnel means nothing (RFC 9110 §8.6)', () => {
    const fields = block(':status: 200', 'content-length: 1');
    expect(answered('CONNECT', headers(1, fields, END_HEADERS), data(1, 'abc')).log).toEqual([
      'head 200',
      'data 3',
    ]);
    const refused = block(':status: 403', 'content-length: 1');
    expect(answered('CONNECT', headers(1, refused, 4), data(1, 'abc')).reason).toBe('body-length');
  });
});

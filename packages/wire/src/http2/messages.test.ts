/** Messages and what makes them malformed: RFC 9113 §8. */
import { describe, expect, it } from 'vitest';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  Lone,
  OK,
  padded,
  POST,
  REQUEST,
  rst,
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

/** A server that was sent these frames, and what came of it. */
function asked(...frames: Buffer[]): { lone: Lone; said: string[] } {
  const lone = new Lone('server');
  lone.feed(...frames);
  return { lone, said: lone.said() };
}

describe('a request', () => {
  it('has its parts, and its cookies in one field (§8.2.3)', () => {
    const fields = [...POST, 'cookie: a=1', 'b: 2', 'cookie: c=3', 'cookie: d=4', 'te: Trailers'];
    const length = ['content-length: 2', 'expect: 100-Continue'];
    const { lone } = asked(headers(1, block(...fields, ...length), END_HEADERS), data(1, 'hi', 1));
    const [served] = lone.side.served;
    expect(served!.log).toEqual(['head POST /', 'data 2', 'end']);
    expect(served!.head).toMatchObject({
      method: 'POST',
      scheme: 'https',
      authority: 'a.test',
      target: '/',
      contentLength: 2,
      expectContinue: true,
    });
    expect([...fieldsOf(served!.head!)]).toEqual([
      ['cookie', 'a=1; c=3; d=4'],
      ['b', '2'],
      ['te', 'Trailers'],
      ['content-length', '2'],
      ['expect', '100-Continue'],
    ]);
  });

  it('takes its host from Host when there is no :authority (§8.3.1)', () => {
    const { lone } = asked(headers(1, block(...REQUEST.slice(0, 3), 'host: b.test:8080')));
    expect(lone.side.served[0]!.head).toMatchObject({ authority: 'b.test:8080' });
    expect(asked(headers(1, block(...REQUEST, 'host: A.test'))).said).toEqual([]);
  });

  it.each<[string, Field[]]>([
    ['OPTIONS *', [':method: OPTIONS', ':scheme: https', ':path: *', ':authority: a']],
    ['CONNECT', [':method: CONNECT', ':authority: a:443']],
    ['a query', [':method: M-SEARCH', ':scheme: coap', ':path: /?a=%20', ':authority: [::1]:80']],
  ])('of another form: %s', (_, fields) => {
    expect(asked(headers(1, block(...fields))).lone.side.served).toHaveLength(1);
  });

  it.each<[string, Field[], string?]>([
    ['no :method', REQUEST.slice(1)],
    ['no :scheme', REQUEST.filter((field) => !field.startsWith(':s'))],
    ['no :path', REQUEST.filter((field) => !field.startsWith(':p'))],
    ['no :authority', REQUEST.slice(0, 3)],
    ['two :methods', [...REQUEST, ':method: GET']],
    ['two :schemes', [...REQUEST, ':scheme: https']],
    ['two :paths', [...REQUEST, ':path: /']],
    ['two :authorities', [...REQUEST, ':authority: a.test']],
    ['an empty :path', [...REQUEST.filter((field) => !field.startsWith(':p')), [':path', '']]],
    ['a :path that is none', [...REQUEST.filter((field) => !field.startsWith(':p')), ':path: a']],
    ['* for GET', [...REQUEST.filter((field) => !field.startsWith(':p')), ':path: *']],
    ['a fragment', [...REQUEST.filter((field) => !field.startsWith(':p')), ':path: /#a']],
    ['a blank in a :path', [...REQUEST.filter((field) => !field.startsWith(':p')), ':path: /a b']],
    ['a :method that is none', [':method: G T', ...REQUEST.slice(1)]],
    ['a :scheme that is none', [':scheme: 1', ...REQUEST.filter((f) => !f.startsWith(':s'))]],
    ['user information', [...REQUEST.slice(0, 3), ':authority: u@a.test']],
    ['an empty :authority', [...REQUEST.slice(0, 3), [':authority', '']]],
    ['two Hosts', [...REQUEST, 'host: a.test', 'host: a.test']],
    ['a Host that differs', [...REQUEST, 'host: b.test']],
    ['a Host that is none', [...REQUEST.slice(0, 3), 'host: a/b']],
    ['a pseudo-field behind others', ['a: 1', ...REQUEST]],
    ['a :status', [...REQUEST, ':status: 200']],
    ['a :protocol, which was not offered', [...REQUEST, ':protocol: websocket']],
    ['CONNECT with a :path', [':method: CONNECT', ':authority: a:443', ':path: /']],
    ['CONNECT with a :scheme', [':method: CONNECT', ':authority: a:443', ':scheme: https']],
    ['CONNECT without a port', [':method: CONNECT', ':authority: a']],
    ['CONNECT without an :authority', [':method: CONNECT', 'host: a:443']],
    ['upper case', [...REQUEST, 'A: 1']],
    ['a field of HTTP/1.1', [...REQUEST, 'transfer-encoding: chunked']],
    ['te: gzip', [...REQUEST, 'te: gzip']],
    ['two lengths', [...REQUEST, 'content-length: 0', 'content-length: 0']],
    ['a list of lengths', [...REQUEST, 'content-length: 0, 0']],
    ['a length and no body', [...REQUEST, 'content-length: 1']],
  ])('that is malformed is reset, and its user is not told: %s', (_, fields) => {
    const { lone, said } = asked(headers(1, block(...fields)), headers(3, block(...REQUEST)));
    expect(said).toEqual(['RST_STREAM 1 1']);
    expect(lone.side.served.map(({ stream }) => stream.id)).toEqual([3]);
    expect(lone.codec.activeCount).toBe(1);
  });

  it('may end with trailers', () => {
    const { lone } = asked(headers(1, block(...POST), 4), data(1, 'a'), headers(1, block('b: 1')));
    expect([...fieldsOf(lone.side.served[0]!.trailers!)]).toEqual([['b', '1']]);
  });

  it('whose fields are too many or too large is answered with 431', () => {
    const many = Array.from({ length: 101 }, (_, i) => `a${i}: 1`);
    const large = Array.from({ length: 70 }, (_, i) => `a${i}: ${'x'.repeat(1_000)}`);
    for (const fields of [many, large]) {
      const whole = block(...REQUEST, ...fields);
      const parts = Array.from({ length: 5 }, (_, i) =>
        whole.subarray(i * 16_000, (i + 1) * 16_000),
      );
      const frames = parts.map((part, i) => {
        const end = i === 4 ? END_HEADERS : 0;
        return i === 0 ? headers(1, part, 0) : continuation(1, part, end);
      });
      const { lone, said } = asked(...frames);
      expect(said).toEqual(['HEADERS 1 :status=431 end', 'RST_STREAM 1 0']);
      expect(lone.side.served).toEqual([]);
      expect(lone.codec.activeCount).toBe(0);
    }
  });

  it('beyond the limit is refused, and can be sent again (§8.7)', () => {
    const lone = new Lone('server', { maxConcurrentStreams: 1 });
    lone.feed(headers(1, block(...REQUEST)), headers(3, block(...POST), END_HEADERS), data(3, 'a'));
    expect(lone.said()).toEqual(['RST_STREAM 3 7']);
    lone.side.served[0]!.stream.respond(200, [], true);
    lone.feed(headers(5, block(...REQUEST)));
    expect(lone.side.served.map(({ stream }) => stream.id)).toEqual([1, 5]);
  });
});

describe('what a server answers', () => {
  it('may be informed first, and end with trailers', () => {
    const pair = new Pair();
    const call = pair.request({}, true);
    pair.run();
    const { stream } = pair.served[0]!;
    stream.inform(103, ['Link', 'a']);
    stream.respond(200, [], false);
    expect(stream.room).toBeGreaterThan(0);
    stream.send(Buffer.from('abc'), 0, 3, false);
    stream.end(['X-Sum', '3']);
    pair.run();
    expect(call.log).toEqual(['informational 103', 'head 200', 'data 3', 'end']);
    expect([...fieldsOf(call.trailers!)]).toEqual([['x-sum', '3']]);
  });

  it.each<[string, (stream: Lone['side']['served'][0]['stream']) => void]>([
    ['a final status that is not', (stream) => stream.respond(100, [], true)],
    ['an informational one that is final', (stream) => stream.inform(200, [])],
    ['a 101', (stream) => stream.inform(101, [])],
    ['no status', (stream) => stream.respond(NaN, [], true)],
    ['a field of HTTP/1.1', (stream) => stream.respond(200, ['Connection', 'close'], true)],
    ['Keep-Alive', (stream) => stream.respond(200, ['Keep-Alive', 'a'], true)],
    ['Proxy-Connection', (stream) => stream.respond(200, ['proxy-connection', 'a'], true)],
    ['Transfer-Encoding', (stream) => stream.respond(200, ['Transfer-encoding', 'a'], true)],
    ['Upgrade', (stream) => stream.respond(200, ['upgrade', 'a'], true)],
    ['TE', (stream) => stream.respond(200, ['TE', 'gzip'], true)],
    ['a pseudo-field', (stream) => stream.respond(200, [':path', '/'], true)],
    ['no name', (stream) => stream.respond(200, ['', '/'], true)],
    ['no value', (stream) => stream.respond(200, ['a'], true)],
    ['a body first', (stream) => stream.send(Buffer.alloc(1), 0, 1, true)],
    ['trailers first', (stream) => stream.end(['a', 'b'])],
    ['an end first', (stream) => stream.end()],
  ])('can not be %s, and nothing of it is written', (_, act) => {
    const { lone } = asked(headers(1, block(...REQUEST)));
    const { stream } = lone.side.served[0]!;
    expect(() => act(stream)).toThrow();
    expect(lone.said()).toEqual([]);
    stream.respond(200, ['te', 'trailers', 'user-agent', 'x'], true);
    expect(lone.said()).toEqual(['HEADERS 1 :status=200 te=trailers user-agent=x end']);
  });

  it('is one head, and nothing behind its end', () => {
    const { lone } = asked(headers(1, block(...POST), END_HEADERS));
    const { stream } = lone.side.served[0]!;
    stream.respond(200, [], false);
    expect(() => stream.respond(200, [], false)).toThrow('behind the final one');
    expect(() => stream.inform(103, [])).toThrow('behind the final one');
    stream.end();
    expect(() => stream.end()).toThrow();
    expect(() => stream.end(['a', 'b'])).toThrow();
    expect(() => stream.send(Buffer.alloc(1), 0, 1, false)).toThrow();
    expect(stream.room).toBe(0);
    expect(lone.said()).toEqual(['HEADERS 1 :status=200', 'DATA 1 0 end']);
  });

  it('does nothing once the stream is closed', () => {
    const { lone } = asked(headers(1, block(...REQUEST)), rst(1));
    const { stream, log } = lone.side.served[0]!;
    expect(log).toEqual(['head GET /', 'end', 'stop']);
    stream.inform(103, []);
    stream.respond(200, [], false);
    stream.send(Buffer.alloc(1), 0, 1, false);
    stream.end();
    stream.reset(8);
    stream.pause();
    stream.resume();
    expect([stream.room, lone.said()]).toEqual([0, []]);
  });

  it('is cut into frames that the client takes, head and body', () => {
    const pair = new Pair();
    const call = pair.request({}, true);
    pair.run();
    const { stream } = pair.served[0]!;
    const value = Buffer.alloc(20_000, 'abcdefghijk').toString();
    stream.respond(200, ['a', value, 'b', value, 'c', '1'], false);
    stream.send(Buffer.alloc(40_000, 'b'), 1, 39_999, true);
    pair.run();
    expect(call.log).toEqual(['head 200', 'data 16384', 'data 16384', 'data 7230', 'end']);
    expect([...fieldsOf(call.head!)]).toEqual([
      ['a', value],
      ['b', value],
      ['c', '1'],
    ]);
  });
});

/** Requests as a server takes them, and what it may answer (RFC 9113 §8.2, §8.3). */
import { describe, expect, it } from 'vitest';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  headers,
  Lone,
  POST,
  REQUEST,
  rst,
} from '../../test/support/frames.js';
import { Pair } from '../../test/support/http2.js';
import { fieldsOf } from '../head.js';

type Field = string | readonly [string, string];

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

  it('waits for no 100 when it has no body (RFC 9110 §10.1.1)', () => {
    const { lone } = asked(headers(1, block(...REQUEST, 'expect: 100-continue')));
    expect(lone.side.served[0]!.head).toMatchObject({ expectContinue: false });
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
    ['a line break in a value', (stream) => stream.respond(200, ['a', 'b\r\nc: d'], true)],
    ['a character of two bytes', (stream) => stream.respond(200, ['a', 'b\u010d\u010a'], true)],
    ['a line break in a name', (stream) => stream.respond(200, ['a\r\nb', 'c'], true)],
    ['a blank in a name', (stream) => stream.inform(103, ['a b', 'c'])],
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

/** Messages (RFC 9113 §8): what is malformed is an error of its stream. */
import { data, headers } from '../../../../client/test/support/h2/frames.js';
import type { Field } from '../../../../client/test/support/h2/hpack.js';
import { get, post } from './heads.js';
import type { Http2Rule } from './rule.js';

const malformed = (section: string, what: string, fields: readonly Field[]): Http2Rule => ({
  section,
  what,
  send: [headers(1, fields, { end: true })],
  then: { stream: 'protocolError' },
});
const fine = (section: string, what: string, fields: readonly Field[]): Http2Rule => ({
  section,
  what,
  send: [headers(1, fields, { end: true })],
  then: { whole: [1] },
});
/** A GET with one part of its head taken away. */
const without = (name: string) => get().filter(([other]) => other !== name);
const replaced = (name: string, value: string): Field[] =>
  get().map((field) => (field[0] === name ? [name, value] : field));

export const MESSAGES: readonly Http2Rule[] = [
  {
    section: '8.1',
    what: 'trailers',
    send: [headers(1, post()), data(1, 'x'), headers(1, [['x-sum', '1']], { end: true })],
    then: { whole: [1] },
  },
  {
    section: '8.1',
    what: 'HEADERS behind the head that do not end the stream',
    send: [headers(1, post()), data(1, 'x'), headers(1, [['x-sum', '1']])],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: 'pseudo-fields among trailers',
    send: [headers(1, post()), headers(1, [[':method', 'GET']], { end: true })],
    then: { stream: 'protocolError' },
  },
  {
    section: '8.1',
    what: 'content-length among trailers (RFC 9110 §6.5.1)',
    send: [headers(1, post()), headers(1, [['content-length', '0']], { end: true })],
    then: { stream: 'protocolError' },
  },
  ...(
    [
      ['less DATA than its content-length', '5', 'abc'],
      ['more DATA than its content-length', '2', 'abc'],
      ['a content-length that is no number', '3x', 'abc'],
    ] as const
  ).map(([what, length, body]): Http2Rule => ({
    section: '8.1.1',
    what,
    send: [headers(1, post('/', ['content-length', length])), data(1, body, { end: true })],
    then: { stream: 'protocolError' },
  })),
  {
    section: '8.1.1',
    what: 'content-length over several DATA frames',
    send: [
      headers(1, post('/', ['content-length', '3'])),
      data(1, 'a', { padding: 9 }),
      data(1, 'bc', { end: true }),
    ],
    then: { whole: [1] },
  },
  {
    section: '8.1.1',
    what: 'less DATA than its content-length, and trailers',
    send: [
      headers(1, post('/', ['content-length', '5'])),
      data(1, 'abc'),
      headers(1, [['x-sum', '1']], { end: true }),
    ],
    then: { stream: 'protocolError' },
  },
  malformed('8.1.1', 'a content-length and no body', post('/', ['content-length', '1'])),
  malformed('8.1.1', 'content-lengths that differ', [
    ...post('/', ['content-length', '0'], ['content-length', '1']),
  ]),
  malformed('8.2.1', 'upper case in a name', [...get(), ['X-Name', '1']]),
  malformed('8.2.1', 'a blank in a name', [...get(), ['x name', '1']]),
  malformed('8.2.1', 'an empty name', [...get(), ['', '1']]),
  malformed('8.2.1', 'a colon in a name', [...get(), ['x:name', '1']]),
  malformed('8.2.1', 'a byte outside ASCII in a name', [...get(), ['x-n\xe9', '1']]),
  malformed('8.2.1', 'NUL in a value', [...get(), ['x-name', 'a\0b']]),
  malformed('8.2.1', 'CR in a value', [...get(), ['x-name', 'a\rb']]),
  malformed('8.2.1', 'LF in a value', [...get(), ['x-name', 'a\nhost: other']]),
  malformed('8.2.1', 'a blank before a value', [...get(), ['x-name', ' a']]),
  malformed('8.2.1', 'a tab behind a value', [...get(), ['x-name', 'a\t']]),
  fine('8.2.1', 'an empty value, and obs-text in one', [...get(), ['x-a', ''], ['x-b', 'caf\xe9']]),
  ...(
    [
      ['connection', 'close'],
      ['keep-alive', 'timeout=5'],
      ['proxy-connection', 'keep-alive'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'websocket'],
      ['te', 'gzip'],
    ] as const
  ).map((field) => malformed('8.2.2', `${field[0]}: ${field[1]}`, [...get(), field])),
  fine('8.2.2', 'te: trailers', [...get(), ['te', 'trailers']]),
  malformed('8.3', 'a pseudo-field behind a field', [
    ...without(':path'),
    ['x-name', '1'],
    [':path', '/'],
  ]),
  malformed('8.3', 'a pseudo-field that is not known', [...get(), [':protocol2', 'x']]),
  malformed('8.3', ':status in a request', [...get(), [':status', '200']]),
  malformed('8.3', ':path twice', [...get(), [':path', '/']]),
  malformed('8.3.1', 'no :method', without(':method')),
  malformed('8.3.1', 'no :scheme', without(':scheme')),
  malformed('8.3.1', 'no :path', without(':path')),
  malformed('8.3.1', 'an empty :path', replaced(':path', '')),
  malformed('8.3.1', 'a :path that starts without a slash', replaced(':path', 'x')),
  malformed('8.3.1', 'a blank in :path', replaced(':path', '/a b')),
  malformed('8.3.1', 'an :authority with a user', replaced(':authority', 'me@server.example')),
  malformed('8.3.1', 'a :method that is no token', replaced(':method', 'G T')),
  malformed('8.3.1', 'another host than :authority', [...get(), ['host', 'other.example']]),
  malformed('8.3.1', 'host twice', [
    ...get(),
    ['host', 'server.example'],
    ['host', 'server.example'],
  ]),
  fine('8.3.1', 'the same host as :authority', [...get(), ['host', 'server.example']]),
  fine('8.3.1', 'host in place of :authority', [
    ...without(':authority'),
    ['host', 'server.example'],
  ]),
  fine('8.3.1', 'OPTIONS *', [
    [':method', 'OPTIONS'],
    [':scheme', 'http'],
    [':path', '*'],
    [':authority', 'server.example'],
  ]),
  malformed('8.5', 'CONNECT with :path and :scheme', replaced(':method', 'CONNECT')),
  malformed('8.5', ':protocol, which was not allowed (RFC 8441 §4)', [
    ...replaced(':method', 'CONNECT'),
    [':protocol', 'websocket'],
  ]),
  malformed('8.5', 'CONNECT without :authority', [[':method', 'CONNECT']]),
];

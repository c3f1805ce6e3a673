/** How many pieces of a response reach the system at once, and that all of them do. */
import { Socket } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { stream, text } from '../../src/index.js';
import { RawClient, started, testApp } from '../helpers.js';

function watchWritev() {
  const writev = vi.spyOn(Socket.prototype, '_writev');
  onTestFinished(() => writev.mockRestore());
  return writev;
}

async function app() {
  const made = testApp();
  made.get('/text', () => 'hello');
  made.get('/words', () => text('grüße ✓'));
  made.get('/bytes', () => Buffer.from([1, 2, 3]));
  made.get('/nothing', () => undefined);
  made.get('/large', () => 'x'.repeat(3_000_000));
  made.get('/stream', () => stream(pieces()));
  return new RawClient((await started(made)).port);
}

async function* pieces(): AsyncGenerator<string> {
  yield 'one ';
  yield 'two';
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const end = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

it('a response with text or without a body is one plain write', async () => {
  const client = await app();
  const writev = watchWritev();
  client.write(get('/text'));
  await client.until(/\r\n\r\nhello$/);
  client.write(get('/nothing'));
  await client.until(/204 No Content[^]*\r\n\r\n$/);
  client.write(end('/words'));
  const received = Buffer.from(await client.all(), 'latin1').toString();
  expect(received.endsWith('\r\n\r\ngrüße ✓')).toBe(true);
  expect(received).toContain('content-length: 11');
  expect(writev).not.toHaveBeenCalled();
});

it('what has more than one piece still goes out whole and in order', async () => {
  const client = await app();
  client.write(get('/text') + get('/bytes') + get('/stream') + get('/text') + end('/large'));
  const received = await client.all();
  const bodies = received.split(/HTTP\/1\.1 200 OK\r\n(?:[\w-]+: [^\r]*\r\n)+\r\n/).slice(1);
  expect(bodies.map((body) => body.slice(0, 40))).toEqual([
    'hello',
    '\u0001\u0002\u0003',
    '4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n',
    'hello',
    'x'.repeat(40),
  ]);
  expect(bodies[4]).toHaveLength(3_000_000);
});

import { COOKIES, JSON_BODY, LARGE_JSON, MIB } from '../origins/answers.js';
import { readingSuite, type ReadingCase } from './reading.js';

export const CASES: Record<string, ReadingCase> = {
  '1 KiB, text': { path: '/json', way: 'text', amount: JSON_BODY.length },
  '1 KiB, for await': { path: '/json', way: 'pieces', amount: JSON_BODY.length },
  '1 KiB, web reader': { path: '/json', way: 'webReader', amount: JSON_BODY.length },
  '1 KiB, piped': { path: '/json', way: 'piped', amount: JSON_BODY.length },
  '1 MiB, for await': { path: '/1m', way: 'pieces', amount: MIB },
  '1 MiB, web reader': { path: '/1m', way: 'webReader', amount: MIB },
  '1 MiB, piped': { path: '/1m', way: 'piped', amount: MIB },
  '1 KiB, gzip': { path: '/packed-small', way: 'packed', amount: JSON_BODY.length },
  '100 KiB, gzip': { path: '/packed', way: 'packed', amount: LARGE_JSON.length },
  'JSON of 100 KiB': { path: '/large-json', way: 'json', amount: 1_000 },
  '20 Set-Cookie': { path: '/cookies', way: 'cookies', amount: COOKIES },
};

export default readingSuite({
  name: 'answers',
  title: 'Client: every way of reading an answer over HTTP/1.1',
  method:
    'Answers of a Node origin, ten at a time. Gzip is undone by ours and by fetch as they come, by undici with its ' +
    '`decompress` interceptor.',
  cases: CASES,
});

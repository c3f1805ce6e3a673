import { CASES } from './answers.js';
import { HTTP2_READER } from './http2.js';
import { readingSuite } from './reading.js';

export default readingSuite(
  {
    name: 'answers-h2',
    title: 'Client: every way of reading an answer over HTTP/2',
    method:
      'Answers of node:http2 over TLS, ten at a time on one connection. Gzip is undone as in `answers`, and by hand for node:http2.',
    cases: CASES,
  },
  HTTP2_READER,
);

import { HTTP2_READER } from './http2.js';
import { readingSuite } from './reading.js';
import { CASES } from './small-chunks.js';

/** A body larger than a window is no matter of small frames. */
const CUT = Object.fromEntries(
  Object.entries(CASES).filter(([, { path }]) => !path.includes('3000000')),
);

export default readingSuite(
  {
    name: 'small-frames-h2',
    title: 'Client: bodies in small DATA frames over HTTP/2',
    method:
      'Each chunk of `small-chunks` is a DATA frame (ours over HTTP/1.1: chunks of node:http), over TLS, ten at a time on one connection.',
    cases: CUT,
  },
  HTTP2_READER,
);

import type { Suite } from '../harness/suite.js';
import { MIB } from '../origins/answers.js';
import { openTransfer, type Transfer } from './bodies.js';
import { HTTP2_PEERS, http2Target } from './http2.js';

const CASES: Record<string, Transfer> = {
  '1 MiB down': { direction: 'down', bytes: MIB },
  '1 MiB down, as text': { direction: 'text', bytes: MIB },
  '1 MiB up': { direction: 'up', bytes: MIB },
  '64 MiB down': { direction: 'down', bytes: 64 * MIB },
  '64 MiB up': { direction: 'up', bytes: 64 * MIB },
};

const suite: Suite = {
  name: 'bodies-h2',
  title: 'Client: large bodies over HTTP/2',
  method:
    'One transfer after another over one TLS connection, piece by piece. What goes up comes from an async iterable of 64 KiB ' +
    'pieces; nghttpd reads it, with windows of 1 MiB (ours over HTTP/1.1: a Node origin).',
  contenders: HTTP2_PEERS,
  cases: Object.keys(CASES),
  columns: [
    { figure: 'mibPerSecond', heading: 'MiB/s', digits: 0 },
    { figure: 'cpuUsPerMib', heading: 'CPU µs/MiB', digits: 0 },
    { figure: 'rssMiB', heading: 'RSS MiB', digits: 0 },
  ],
  headline: { figure: 'mibPerSecond', better: 'higher' },
  bars: Object.keys(CASES).map((name) => ({
    text: `throughput, ${name}, ours ÷ node-http2-1m`,
    value: { figure: 'mibPerSecond', case: name },
    over: { figure: 'mibPerSecond', case: name, contender: 'node-http2-1m' },
    atLeast: 1,
  })),
  staysOpen: false,
  async open(contender, caseName, rig) {
    const transfer = CASES[caseName];
    if (transfer === undefined) return undefined;
    const origin = transfer.direction === 'up' ? 'sink' : 'nginx';
    return openTransfer(contender, transfer, rig, await http2Target(contender, origin, 1, rig));
  },
};
export default suite;

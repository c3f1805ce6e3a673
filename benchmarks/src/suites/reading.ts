/** Suites that read answers in many ways differ in their cases only: none may cost more than undici's. */
import type { ClientTarget, Reading } from '../contender.js';
import type { Rig } from '../harness/rig.js';
import type { Suite } from '../harness/suite.js';
import { CLIENT_COLUMNS, openClient } from './client.js';

export interface ReadingCase {
  readonly path: string;
  readonly way: Reading;
  /** Characters, bytes, keys or cookies. */
  readonly amount: number;
}

/** Whom to read from, and with which contenders. */
interface Reader {
  readonly contenders: readonly string[];
  /** Ours is compared with it. */
  readonly peer: string;
  target(contender: string, path: string, concurrency: number, rig: Rig): Promise<ClientTarget>;
}

const HTTP1: Reader = {
  contenders: ['hotaru', 'undici-pool', 'undici-fetch'],
  peer: 'undici-pool',
  target: (_contender, _path, connections, { nodePort }) =>
    Promise.resolve({ origin: `http://127.0.0.1:${nodePort}`, connections, ca: undefined }),
};

const CONCURRENCY = 10;
/** An answer that takes a second of CPU is read alone. */
const ALONE_ABOVE = 2_000_000;

export function readingSuite(
  suite: Pick<Suite, 'name' | 'title' | 'method'> & { cases: Record<string, ReadingCase> },
  reader = HTTP1,
): Suite {
  const { cases, ...texts } = suite;
  const { contenders, peer } = reader;
  const names = Object.keys(cases);
  return {
    ...texts,
    contenders,
    cases: names,
    columns: CLIENT_COLUMNS,
    headline: { figure: 'cpuUs', better: 'lower' },
    bars: names.map((name) => ({
      text: `CPU per request, ${name}, ours ÷ ${peer}`,
      value: { figure: 'cpuUs', case: name },
      over: { figure: 'cpuUs', case: name, contender: peer },
      atMost: 1,
    })),
    staysOpen: true,
    open: async (contender, caseName, rig) => {
      const reading = cases[caseName];
      if (reading === undefined) return undefined;
      const { path, way, amount } = reading;
      const concurrency = amount > ALONE_ABOVE ? 1 : CONCURRENCY;
      const target = await reader.target(contender, path, concurrency, rig);
      return openClient({ contender, target, concurrency, path, reading: { way, amount } }, rig);
    },
  };
}

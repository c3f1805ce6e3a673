/** Suites that read answers in many ways differ in their cases only: none may cost more than undici's. */
import type { ClientTarget, Reading } from '../contender.js';
import type { Suite } from '../harness/suite.js';
import { CLIENT_COLUMNS, openClient } from './client.js';

export interface ReadingCase {
  readonly path: string;
  readonly way: Reading;
  /** Characters, bytes, keys or cookies. */
  readonly amount: number;
}

const CONCURRENCY = 10;
/** An answer that takes a second of CPU is read alone. */
const ALONE_ABOVE = 2_000_000;

export function readingSuite(
  suite: Pick<Suite, 'name' | 'title' | 'method'> & { cases: Record<string, ReadingCase> },
): Suite {
  const { cases, ...texts } = suite;
  const names = Object.keys(cases);
  return {
    ...texts,
    contenders: ['hotaru', 'undici-pool', 'undici-fetch'],
    cases: names,
    columns: CLIENT_COLUMNS,
    headline: { figure: 'cpuUs', better: 'lower' },
    bars: names.map((name) => ({
      text: `CPU per request, ${name}, ours ÷ undici-pool`,
      value: { figure: 'cpuUs', case: name },
      over: { figure: 'cpuUs', case: name, contender: 'undici-pool' },
      atMost: 1,
    })),
    staysOpen: true,
    open: (contender, caseName, rig) => {
      const reading = cases[caseName];
      if (reading === undefined) return Promise.resolve(undefined);
      const { path, way, amount } = reading;
      const concurrency = amount > ALONE_ABOVE ? 1 : CONCURRENCY;
      const origin = `http://127.0.0.1:${rig.nodePort}`;
      const target: ClientTarget = { origin, connections: concurrency, ca: undefined };
      return openClient({ contender, target, concurrency, path, reading: { way, amount } }, rig);
    },
  };
}

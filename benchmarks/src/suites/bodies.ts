import type { ClientTarget } from '../contender.js';
import type { Rig } from '../harness/rig.js';
import { contestOf, type Contest, type Outcome, type Suite } from '../harness/suite.js';
import { runOnce } from '../harness/worker-process.js';
import { bodyPath, MIB } from '../origins/answers.js';
import type { Direction, TransferJob } from '../workers/transfer.js';
import { plainTarget, programOf, STREAMING_PEERS } from './client.js';

export interface Transfer {
  direction: Direction;
  bytes: number;
}

const CASES: Record<string, Transfer> = {
  '1 MiB down': { direction: 'down', bytes: MIB },
  '1 MiB down, as text': { direction: 'text', bytes: MIB },
  '1 MiB up': { direction: 'up', bytes: MIB },
  '64 MiB down': { direction: 'down', bytes: 64 * MIB },
  '64 MiB up': { direction: 'up', bytes: 64 * MIB },
};

const suite: Suite = {
  name: 'bodies',
  title: 'Client: large bodies over HTTP/1.1',
  method:
    'One transfer after another, piece by piece; uploads come from an async iterable of 64 KiB pieces and go to a Node ' +
    'origin, because nginx does not read a body that is not wanted.',
  contenders: [...STREAMING_PEERS, 'raw-net'],
  cases: Object.keys(CASES),
  columns: [
    { figure: 'mibPerSecond', heading: 'MiB/s', digits: 0 },
    { figure: 'cpuUsPerMib', heading: 'CPU µs/MiB', digits: 0 },
    { figure: 'rssMiB', heading: 'RSS MiB', digits: 0 },
  ],
  headline: { figure: 'mibPerSecond', better: 'higher' },
  bars: Object.keys(CASES).map((name) => ({
    text: `throughput, ${name}, ours ÷ undici-pool`,
    value: { figure: 'mibPerSecond', case: name },
    over: { figure: 'mibPerSecond', case: name, contender: 'undici-pool' },
    atLeast: 1,
  })),
  staysOpen: false,
  open: (contender, caseName, rig) => {
    const transfer = CASES[caseName];
    return transfer === undefined
      ? Promise.resolve(undefined)
      : openTransfer(contender, transfer, rig);
  },
};
export default suite;

function targetOf({ direction }: Transfer, rig: Rig): ClientTarget {
  return direction === 'up'
    ? { origin: `http://127.0.0.1:${rig.nodePort}`, connections: 1, ca: undefined }
    : plainTarget(rig, 1);
}

export async function openTransfer(
  contender: string,
  transfer: Transfer,
  rig: Rig,
  target = targetOf(transfer, rig),
): Promise<Contest | undefined> {
  const { direction, bytes } = transfer;
  const job: TransferJob = {
    contender,
    target,
    direction,
    bytes,
    path: direction === 'up' ? '/swallow' : bodyPath(bytes),
    timing: rig.timing,
  };
  const program = await programOf(contender, 'workers/transfer', rig);
  return contestOf((await runOnce<Outcome | null | undefined>(program, job)) ?? undefined);
}

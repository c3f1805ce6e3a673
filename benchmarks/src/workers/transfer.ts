/** Moves bodies, one after another: down piece by piece or as text, or up from a stream. */
import type { BenchClient, ClientTarget } from '../contender.js';
import { MIB } from '../origins/answers.js';
import type { Timing } from '../harness/rig.js';
import { serve, spentMs } from '../harness/serve.js';
import { loadClient } from './load-contender.js';

export type Direction = 'down' | 'text' | 'up' | 'slow';

export interface TransferJob {
  contender: string;
  target: ClientTarget;
  direction: Direction;
  bytes: number;
  path: string;
  timing: Pick<Timing, 'warmCpuMs' | 'warmAtMostMs' | 'windowMs'>;
}

const PIECE = new Uint8Array(65_536).fill(0x78);
/** The slow consumer: a rest after each MiB. */
const REST_MS = 5;

serve({
  /** Undefined where the contender can't do that. */
  async run(job: TransferJob) {
    const contender = await loadClient(job.contender);
    // A floor reads no text.
    const isAble = job.direction !== 'text' || contender.isFloor !== true;
    const client = isAble ? await contender.start(job.target) : undefined;
    const transfer = client === undefined ? undefined : transferOf(client, job);
    if (client === undefined || transfer === undefined) return undefined;
    const { label } = contender;
    const figures =
      job.direction === 'slow'
        ? await growth(client, transfer)
        : await throughput(transfer, job.bytes / MIB, job.timing);
    return { label, figures };
  },
});

function transferOf(client: BenchClient, job: TransferJob): (() => Promise<void>) | undefined {
  const { path, bytes, direction } = job;
  if (direction === 'text') return async () => expectBytes((await client.get(path)).length, bytes);
  if (direction === 'up') {
    if (client.upload === undefined) return undefined;
    return async () => client.upload?.(path, () => pieces(bytes), bytes);
  }
  if (client.download === undefined) return undefined;
  return async () => {
    let received = 0;
    let atRest = MIB;
    await client.download?.(path, (piece) => {
      received += piece.length;
      if (direction === 'down' || received < atRest) return;
      atRest += MIB;
      return new Promise((resolve) => setTimeout(resolve, REST_MS));
    });
    expectBytes(received, bytes);
  };
}

// A source that has everything at hand, yet is read as streams are: one piece after another.
// eslint-disable-next-line @typescript-eslint/require-await
async function* pieces(bytes: number): AsyncGenerator<Uint8Array> {
  for (let left = bytes; left > 0; left -= PIECE.length)
    yield left >= PIECE.length ? PIECE : PIECE.subarray(0, left);
}

function expectBytes(received: number, bytes: number): void {
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes`);
}

async function throughput(
  transfer: () => Promise<void>,
  mib: number,
  { warmCpuMs, warmAtMostMs, windowMs }: TransferJob['timing'],
) {
  const warmAtMs = spentMs() + warmCpuMs;
  await repeat(transfer, (elapsedMs) => spentMs() >= warmAtMs || elapsedMs >= warmAtMostMs);
  const cpu = process.cpuUsage();
  const { count, elapsedMs } = await repeat(transfer, (atMs) => atMs >= windowMs);
  const { user, system } = process.cpuUsage(cpu);
  return {
    mibPerSecond: (count * mib) / (elapsedMs / 1_000),
    cpuUsPerMib: (user + system) / (count * mib),
    rssMiB: process.memoryUsage.rss() / MIB,
  };
}

async function repeat(work: () => Promise<void>, isEnough: (elapsedMs: number) => boolean) {
  const startedAtMs = performance.now();
  let count = 0;
  let elapsedMs = 0;
  do {
    await work();
    count += 1;
    elapsedMs = performance.now() - startedAtMs;
  } while (!isEnough(elapsedMs));
  return { count, elapsedMs };
}

/** How far memory rises while a large body waits for its reader. */
async function growth(client: BenchClient, transfer: () => Promise<void>) {
  for (let i = 0; i < 50; i += 1) await client.get('/json');
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
  const startedAtMs = performance.now();
  await transfer();
  clearInterval(timer);
  return {
    rssGrowthMiB: (Math.max(most, process.memoryUsage.rss()) - before) / MIB,
    seconds: (performance.now() - startedAtMs) / 1_000,
  };
}

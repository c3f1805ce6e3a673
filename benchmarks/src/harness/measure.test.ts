import { expect, it } from 'vitest';
import { Measuring } from './measure.js';
import { timingOf } from './rig.js';
import type { WorkerProcess } from './worker-process.js';

/** A process that gets so much of a core while it runs; tells what it was asked. */
function worker(cpuMsPerLook: number): Pick<WorkerProcess, 'call'> & { asked: string[] } {
  let spentMs = 700; // starting took that
  const asked: string[] = [];
  return {
    asked,
    call<T>(name: string): Promise<T> {
      asked.push(name);
      if (asked.includes('run')) spentMs += name === 'spentMs' ? cpuMsPerLook : 0;
      return Promise.resolve((name === 'spentMs' ? spentMs : {}) as T);
    },
  };
}

const timing = { warmCpuMs: 100, warmAtMostMs: 5_000, rewarmMs: 1, windowMs: 1 };

it('a contender is warm when it has spent its CPU time, however long that takes', async () => {
  const fast = worker(50);
  const slow = worker(10);
  await new Measuring(timing, [fast]).turn();
  await new Measuring(timing, [slow]).turn();
  const looks = ({ asked }: typeof fast) =>
    asked.slice(asked.indexOf('run'), asked.indexOf('begin')).filter((name) => name === 'spentMs');
  expect(looks(fast)).toHaveLength(2);
  expect(looks(slow)).toHaveLength(10);
});

it('what the load spends does not count, and a warm process is not warmed again', async () => {
  const server = worker(50);
  const load = worker(1_000);
  const measuring = new Measuring(timing, [server, load]);
  await measuring.turn();
  expect(load.asked).toEqual(['run', 'begin', 'end']);
  expect(server.asked).toEqual(['spentMs', 'run', 'spentMs', 'spentMs', 'begin', 'end']);
  await measuring.turn();
  expect(server.asked.slice(6)).toEqual(['spentMs', 'run', 'begin', 'end']);
});

it('a contender that only waits is not warmed for ever', async () => {
  const idle = worker(0);
  const startedAtMs = performance.now();
  await new Measuring({ ...timing, warmAtMostMs: 60 }, [idle]).turn();
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  expect(idle.asked.at(-1)).toBe('end');
});

it('warms for 1.5 s of CPU time, unless told otherwise or the windows are brief', () => {
  expect(timingOf(500).warmCpuMs).toBe(1_500);
  expect(timingOf(2_000).warmCpuMs).toBe(1_500);
  expect(timingOf(200, 1_500)).toMatchObject({ warmCpuMs: 1_500, warmAtMostMs: 15_000 });
  expect(timingOf(200)).toMatchObject({ warmCpuMs: 200, warmAtMostMs: 400 });
});

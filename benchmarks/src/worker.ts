/** Drives one contender for a while and reports what it cost. A process of its own for each measurement. */
import { loadContender } from './contender.js';

/** What a worker reports. */
export interface Measurement {
  /** µs of CPU time of this process, for one request. */
  cpuUs: number;
  requestsPerSecond: number;
  rssMiB: number;
}

const [, , name = '', url = '', concurrencyText = '50', secondsText = '3'] = process.argv;
const concurrency = Number(concurrencyText);
const contender = await loadContender(name);
const client = await contender.start({ url, concurrency });

let count = 0;
let isRunning = true;
const lanes = Array.from({ length: concurrency }, async () => {
  while (isRunning) {
    await client.once();
    count += 1;
  }
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

await pause(1_000); // compiled, connected
const countBefore = count;
const cpuBefore = process.cpuUsage();
const startedAtMs = performance.now();
await pause(Number(secondsText) * 1_000);
const cpu = process.cpuUsage(cpuBefore);
const requests = count - countBefore;
const measurement: Measurement = {
  cpuUs: (cpu.user + cpu.system) / requests,
  requestsPerSecond: requests / ((performance.now() - startedAtMs) / 1_000),
  rssMiB: process.memoryUsage.rss() / 1_048_576,
};
isRunning = false;
await Promise.all(lanes);
await client.close();
process.send?.(measurement);
process.disconnect();

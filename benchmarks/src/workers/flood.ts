/** Ten thousand requests at once, over few connections. */
import type { ClientTarget } from '../contender.js';
import { MIB } from '../origins/answers.js';
import { serve } from '../harness/serve.js';
import { loadClient } from './load-contender.js';

export interface FloodJob {
  contender: string;
  target: ClientTarget;
  requests: number;
  path: string;
}

serve({
  /** Undefined where the contender can't do that. */
  async run({ contender: name, target, requests, path }: FloodJob) {
    const contender = await loadClient(name);
    // A floor has no line to wait in.
    const client = contender.isFloor === true ? undefined : await contender.start(target);
    if (client === undefined) return undefined;
    const before = process.memoryUsage.rss();
    const startedAtMs = performance.now();
    const cpu = process.cpuUsage();
    let most = before;
    let errors = 0;
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
    const one = async (): Promise<void> => {
      try {
        await client.get(path);
      } catch {
        errors += 1;
      }
    };
    await Promise.all(Array.from({ length: requests }, one));
    clearInterval(timer);
    const { user, system } = process.cpuUsage(cpu);
    return {
      label: contender.label,
      figures: {
        errors,
        seconds: (performance.now() - startedAtMs) / 1_000,
        cpuUs: (user + system) / requests,
        rssGrowthMiB: (Math.max(most, process.memoryUsage.rss()) - before) / MIB,
      },
    };
  },
});

/** What an idle connection keeps resident. Run with `--expose-gc` and a small young generation. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClientTarget } from '../contender.js';
import { serve } from '../harness/serve.js';
import { loadClient } from './load-contender.js';
import { openAll } from './open-all.js';

export interface IdleMemoryJob {
  contender: string;
  target: ClientTarget;
}

serve({
  /** Undefined where the contender can't do that. */
  async run({ contender: name, target }: IdleMemoryJob) {
    const contender = await loadClient(name);
    // Code, caches and the heap's own growth come first, with few connections.
    const few = await contender.start({ ...target, connections: 20 });
    if (few === undefined) return undefined;
    for (let i = 0; i < 200; i += 1) await openAll(few, 20);
    const before = await settledRss();
    const client = await contender.start(target);
    if (client === undefined) return undefined;
    await openAll(client, target.connections);
    const after = await settledRss();
    return {
      label: contender.label,
      figures: { kibPerConnection: (after - before) / 1_024 / target.connections },
    };
  },
});

async function settledRss(): Promise<number> {
  for (let i = 0; i < 5; i += 1) {
    globalThis.gc?.();
    await pause(60);
  }
  return process.memoryUsage.rss();
}

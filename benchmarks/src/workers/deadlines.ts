/** What many deadlines at once cost: each is set, and each passes on a millisecond of its own. */
import type { Clock } from '@hotaru/client';
import { serve } from '../harness/serve.js';
import { cpuMsOf, HandClock } from './hand-clock.js';

/** Of the client's own `pool/deadlines.js`, which its package does not export. */
interface Deadline {
  onExpired(): void;
}
interface Internals {
  readonly Deadline: new () => object;
  readonly Deadlines: new (clock: Clock) => { arm(deadline: Deadline, atMs: number): void };
}

serve({
  async run({ count }: { count: number }) {
    const file = new URL('pool/deadlines.js', import.meta.resolve('@hotaru/client'));
    const internals = (await import(file.href)) as Internals;
    await cpuMsOf(() => setAndPass(internals, 1_000)); // to warm it
    return { cpuMs: await cpuMsOf(() => setAndPass(internals, count)) };
  },
});

function setAndPass({ Deadline, Deadlines }: Internals, count: number): void {
  let passed = 0;
  class Counted extends Deadline {
    onExpired(): void {
      passed += 1;
    }
  }
  const clock = new HandClock();
  const deadlines = new Deadlines(clock);
  // Calls with different timeouts come in any order: 7 919 is a prime, so each millisecond comes once.
  for (let i = 0; i < count; i += 1) deadlines.arm(new Counted(), 1 + ((i * 7_919) % count));
  clock.moveTo(count);
  if (passed !== count) throw new Error(`${passed} of ${count} deadlines passed`);
}

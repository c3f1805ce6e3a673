import { expect, it, onTestFinished, vi } from 'vitest';
import { afterPoll } from './turn.js';

it('a task that throws is heard of, and holds up none of those behind it', async () => {
  const rethrown: (() => void)[] = [];
  vi.stubGlobal('queueMicrotask', (rethrow: () => void) => rethrown.push(rethrow));
  onTestFinished(() => void vi.unstubAllGlobals());
  const boom = new Error('boom');
  const polled: number[] = [];
  afterPoll({
    onPolled() {
      throw boom;
    },
  });
  await new Promise<void>((resolve) => {
    afterPoll({ onPolled: () => polled.push(1) });
    afterPoll({ onPolled: resolve });
  });
  expect(polled).toEqual([1]);
  expect(rethrown).toHaveLength(1);
  expect(rethrown[0]).toThrow(boom);
});

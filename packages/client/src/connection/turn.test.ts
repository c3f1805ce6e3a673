import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { afterPoll, atTurnEnd } from './turn.js';

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

describe('the end of a turn', () => {
  it('comes once, behind what was asked for in microtasks of it, and before timers', async () => {
    const order: string[] = [];
    const ended = new Promise<void>((resolve) => {
      atTurnEnd({
        onTurnEnd() {
          order.push('end');
          resolve();
        },
      });
    });
    queueMicrotask(() => queueMicrotask(() => order.push('microtask')));
    setTimeout(() => order.push('timer'), 1);
    await ended;
    expect(order.filter((what) => what !== 'timer')).toEqual(['microtask', 'end']);
  });

  it('is that of the turn in which a poll has ended, not of the next', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      afterPoll({
        onPolled() {
          order.push('polled');
          atTurnEnd({ onTurnEnd: () => order.push('end') });
          setImmediate(() => order.push('next turn'));
          setImmediate(resolve);
        },
      });
      afterPoll({ onPolled: () => order.push('polled') });
    });
    expect(order).toEqual(['polled', 'polled', 'end', 'next turn']);
  });

  it('of what is noted while a turn ends is that of the next one', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      atTurnEnd({
        onTurnEnd() {
          order.push('first');
          atTurnEnd({
            onTurnEnd() {
              order.push('second');
              resolve();
            },
          });
        },
      });
      atTurnEnd({ onTurnEnd: () => order.push('beside') });
    });
    expect(order).toEqual(['first', 'beside', 'second']);
  });
});

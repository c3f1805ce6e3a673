/** One listener for each signal, however many calls share it, and none when they are over. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Link } from '../pool/linked-list.js';
import { offAbort, onAbort, type Abortable } from './abort-hub.js';

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

function waiting(told: unknown[], act?: () => void): Link<Abortable> {
  return new Link<Abortable>({
    abort: (reason) => {
      told.push(reason);
      act?.();
    },
  });
}

describe('a signal that calls share', () => {
  it('has one listener for a thousand of them, and none when the last has gone', () => {
    const { signal } = new AbortController();
    const links = Array.from({ length: 1_000 }, () => waiting([]));
    for (const link of links) onAbort(signal, link);
    expect(listeners(signal)).toBe(1);
    const last = links.pop()!;
    for (const link of links) offAbort(signal, link);
    expect(listeners(signal)).toBe(1);
    offAbort(signal, last);
    expect(listeners(signal)).toBe(0);
    onAbort(signal, last);
    expect(listeners(signal)).toBe(1);
  });

  it('tells each of them its reason, oldest first', () => {
    const controller = new AbortController();
    const told: unknown[] = [];
    for (const n of [1, 2])
      onAbort(
        controller.signal,
        waiting(told, () => told.push(n)),
      );
    const reason = new Error('left');
    controller.abort(reason);
    expect(told).toEqual([reason, 1, reason, 2]);
  });

  it('tells those that the first takes out of the list, too, and not one that had left before', () => {
    const controller = new AbortController();
    const told: string[] = [];
    const second = new Link<Abortable>({ abort: () => void told.push('second') });
    const first = new Link<Abortable>({
      abort: () => {
        told.push('first');
        offAbort(controller.signal, first);
        offAbort(controller.signal, second);
      },
    });
    const gone = new Link<Abortable>({ abort: () => void told.push('gone') });
    for (const link of [gone, first, second]) onAbort(controller.signal, link);
    offAbort(controller.signal, gone);
    controller.abort();
    expect(told).toEqual(['first', 'second']);
    expect(listeners(controller.signal)).toBe(0);
  });

  it('of two signals each tells its own; taking out what is not there does nothing', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const told: unknown[] = [];
    const link = waiting(told);
    onAbort(one.signal, link);
    offAbort(other.signal, link);
    offAbort(other.signal, waiting([]));
    other.abort();
    expect(told).toEqual([]);
    one.abort();
    expect(told).toHaveLength(1);
  });
});

import { expect, it } from 'vitest';
import { Spares } from './spares.js';

async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  void promise.then(() => (over = true));
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  return over;
}

it('spares that two callers want are the same ones, and over when each is settled', async () => {
  const spares = new Spares();
  const two = spares.want(2, false);
  const three = spares.want(3, false);
  expect(spares.count).toBe(3);
  spares.settle(1);
  expect([await isOver(two), await isOver(three)]).toEqual([false, false]);
  spares.settle(1);
  expect([await isOver(two), await isOver(three)]).toEqual([true, false]);
  spares.drop();
  expect([await isOver(three), spares.count]).toEqual([true, 0]);
});

it('spares that are dropped are the youngest', async () => {
  const spares = new Spares();
  const first = spares.want(1, false);
  const both = spares.want(2, true);
  spares.drop(1);
  expect([await isOver(first), await isOver(both), spares.count]).toEqual([false, false, 1]);
  spares.drop(5);
  expect(spares.count).toBe(1);
});

it('spares are awaited as soon as one caller waits for them, those before it among them', () => {
  const spares = new Spares();
  void spares.want(1, false);
  expect(spares.areAwaited).toBe(false);
  void spares.want(1, true);
  expect(spares.areAwaited).toBe(true);
  spares.settle(1);
  expect(spares.areAwaited).toBe(false);
});

it('none are over at once', async () => {
  expect(await isOver(new Spares().want(0, true))).toBe(true);
});

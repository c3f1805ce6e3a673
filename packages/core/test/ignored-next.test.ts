/** A middleware that answers by itself and never looks at what `next()` gave: what fails behind it is not unhandled. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { Handler, Middleware } from '../src/index.js';
import { started, testApp } from './helpers.js';

const answersItself: Middleware = (_ctx, next) => {
  void next();
  return 'by itself';
};
const answersLater: Middleware = async (_ctx, next) => {
  void next();
  await pause(1);
  return 'by itself';
};
const passes: Middleware = async (_ctx, next) => {
  const response = await next();
  return response;
};
const passesSilently: Middleware = async (_ctx, next) => {
  await next();
};
const fails: Middleware = async (_ctx, next) => {
  await next();
  throw new Error('after the handler');
};

const handlers: Record<string, Handler> = {
  'throws at once': () => {
    throw new Error('at once');
  },
  rejects: () => Promise.reject(new Error('rejected')),
  'rejects later': async () => {
    await pause(1);
    throw new Error('later');
  },
  'returns what is no response': () => new Map(),
  'resolves with what is no response': () => Promise.resolve(new Map()),
};

const chains: Record<string, Middleware[]> = {
  'nothing between them': [],
  'a middleware that returns it': [passes],
  'two that pass it on': [passesSilently, passes],
};

const cases = [answersItself, answersLater].flatMap((outer) => [
  ...Object.entries(handlers).flatMap(([what, handler]) =>
    Object.entries(chains).map(
      ([between, chain]) => [outer.name, what, between, [outer, ...chain], handler] as const,
    ),
  ),
  [
    outer.name,
    'is fine',
    'a middleware that fails',
    [outer, fails],
    (() => 'x') as Handler,
  ] as const,
]);

it.each(cases)('%s: a handler that %s, with %s', async (_name, _what, _between, chain, handler) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  const app = testApp();
  app.endpoint('/', { middleware: [...chain] }, handler);
  const { url } = await started(app);
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([200, 'by itself']);
  await pause(10);
  expect(unhandled).toEqual([]);
});

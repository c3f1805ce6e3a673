/**
 * Which middleware an endpoint runs, from what it says and what the app has.
 *
 *     (nothing)          the app's
 *     ['..', a]          the app's, then a         [a, '..']  a, then the app's    [a, '..', b]  both
 *     [a]                only a                    []         none
 */
import { HotaruError } from '../errors.js';
import { invalidOption } from '../options.js';
import type { Middleware } from './compose.js';

/** `'..'` stands for the app's middleware. */
export type MiddlewareList = readonly (Middleware | '..')[];

const ALLOWED = "a list of functions (ctx, next) => …, with '..' at most once for the app's own";

/** @throws HotaruError `HOTARU_INVALID_OPTION` */
export function checkMiddlewareList(key: string, list: unknown): MiddlewareList {
  if (!Array.isArray(list)) throw invalidOption(key, list, ALLOWED);
  for (const [index, entry] of list.entries())
    if (entry !== '..') checkMiddleware(`${key}[${index}]`, entry);
  if (list.filter((entry) => entry === '..').length > 1) throw invalidOption(key, list, ALLOWED);
  return [...(list as MiddlewareList)];
}

export function checkMiddleware(key: string, entry: unknown): Middleware {
  if (typeof entry !== 'function')
    throw invalidOption(key, entry, "a function (ctx, next) => …, or '..' in an endpoint's list");
  if (/^class\s/.test(Function.prototype.toString.call(entry)))
    throw new HotaruError('HOTARU_INVALID_OPTION', `${key} is a class; a middleware is a function`);
  return entry as Middleware;
}

export function spliceChain(
  list: MiddlewareList | undefined,
  inherited: readonly Middleware[],
): readonly Middleware[] {
  if (list === undefined) return inherited;
  return list.flatMap((entry) => (entry === '..' ? inherited : [entry]));
}

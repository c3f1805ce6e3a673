/**
 * One setting: is a value allowed, what is it in the code's units, and what is allowed, in words. Which settings
 * there are stands in defaults.ts; what belongs together in a configuration is checked by pool-config.ts.
 */
import { ConfigError } from '../errors.js';
import type { Setting } from './defaults.js';
import { parseDuration } from './duration.js';
import { parseSize } from './size.js';

/**
 * In ms, in bytes, or as it is.
 *
 * @throws ConfigError `HOTARU_INVALID_CONFIG` naming `key`, the value and what is allowed.
 */
export function checkSetting(
  key: string,
  value: unknown,
  setting: Setting,
): number | boolean | string {
  switch (setting.kind) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'choice':
      if (typeof value === 'string' || typeof value === 'boolean')
        if (setting.choices?.includes(value) === true) return value;
      break;
    case 'duration':
    case 'count':
    case 'bytes': {
      const number = readNumber(setting.kind, value);
      if (typeof number === 'number' && inRange(number, setting)) return number;
    }
  }
  throw new ConfigError(key, `${key} is ${show(value)}; allowed: ${allowed(setting)}`);
}

/** Durations and sizes may be text. */
function readNumber(kind: 'duration' | 'count' | 'bytes', value: unknown): unknown {
  if (kind === 'duration') return parseDuration(value);
  return kind === 'bytes' ? parseSize(value) : value;
}

function inRange(value: number, setting: Setting): boolean {
  if (value === Infinity) return setting.unlimited === true;
  if (setting.kind !== 'duration' && !Number.isSafeInteger(value)) return false;
  return value >= (setting.min ?? 0) && value <= (setting.max ?? Infinity);
}

/** What is allowed, in words, for error messages and the docs. */
export function allowed(setting: Setting): string {
  const range = `${setting.min ?? 0} to ${setting.max ?? Infinity}`;
  const orNone = setting.unlimited === true ? ', or Infinity for no limit' : '';
  switch (setting.kind) {
    case 'boolean':
      return 'true or false';
    case 'choice':
      return inWords(setting.choices ?? []);
    case 'duration':
      return `a duration of ${range} ms (a number, or text like '90s')${orNone}`;
    case 'count':
      return `a whole number, ${range}${orNone}`;
    case 'bytes':
      return `a whole number of bytes, ${range} (a number, or text like '10mb')${orNone}`;
  }
}

/** `a, b or c`. */
function inWords(choices: readonly (string | boolean)[]): string {
  const shown = choices.map((choice) => JSON.stringify(choice));
  const last = shown.pop() ?? '';
  return shown.length === 0 ? last : `${shown.join(', ')} or ${last}`;
}

/** A value in a message; never what is in an object. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}

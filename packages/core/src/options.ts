/**
 * How every option bag is checked: an unknown key or a bad value throws, naming the key, the value and
 * what is allowed. An option that nothing reads cannot be passed by mistake.
 */
import { parseDuration, parseSize, type Duration, type Size } from '@hotaru/client';
import { CONSTANTS } from './constants.js';
import { HotaruError } from './errors.js';

export type { Duration, Size };

export function invalidOption(key: string, value: unknown, allowed: string): HotaruError {
  return new HotaruError('HOTARU_INVALID_OPTION', `${key} is ${show(value)}; allowed: ${allowed}`);
}

/** @throws HotaruError `HOTARU_INVALID_OPTION` for anything but a plain bag of the allowed keys. */
export function checkKeys(what: string, input: unknown, allowed: readonly string[]): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalidOption(what, input, `an object of ${allowed.join(', ')}`);
  for (const [key, value] of Object.entries(input))
    if (!allowed.includes(key))
      throw new HotaruError(
        'HOTARU_INVALID_OPTION',
        `${what}.${key} (${show(value)}) is not an option; allowed: ${allowed.join(', ')}`,
      );
}

/** Milliseconds; at least `minMs`. `Infinity` only where a limit may be absent. */
export function checkDuration(key: string, value: unknown, orInfinity: boolean, minMs = 1): number {
  const ms = parseDuration(value);
  if (ms === Infinity && orInfinity) return ms;
  if (ms !== undefined && ms >= minMs && ms <= CONSTANTS.maxTimerMs) return ms;
  const none = orInfinity ? ', or Infinity for none' : '';
  throw invalidOption(
    key,
    value,
    `a duration of ${minMs} to ${CONSTANTS.maxTimerMs} ms (a number, or '5s')${none}`,
  );
}

export function checkCount(key: string, value: unknown, min: number, orInfinity: boolean): number {
  if (value === Infinity && orInfinity) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min) return value;
  const none = orInfinity ? ', or Infinity for no limit' : '';
  throw invalidOption(key, value, `a whole number of at least ${min}${none}`);
}

export function checkBoolean(key: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidOption(key, value, 'true or false');
}

/** Bytes. */
export function checkSize(key: string, value: unknown, min: number, orInfinity: boolean): number {
  const bytes = parseSize(value);
  if (bytes === Infinity && orInfinity) return bytes;
  if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= min) return bytes;
  const none = orInfinity ? ', or Infinity for no limit' : '';
  throw invalidOption(
    key,
    value,
    `a whole number of bytes, at least ${min} (a number, or text like '10mb')${none}`,
  );
}

export function checkText(key: string, value: unknown, allowed: readonly string[]): string {
  if (typeof value === 'string' && allowed.includes(value)) return value;
  throw invalidOption(key, value, allowed.map((text) => JSON.stringify(text)).join(' or '));
}

/** A value as an error message shows it: short, and never the inside of an object. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name}`.trim();
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

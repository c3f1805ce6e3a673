import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { allowed, checkSetting } from './check-setting.js';
import type { Setting } from './defaults.js';

const about = { default: 1, perHost: true, what: '', why: '' };
const kinds: Record<Setting['kind'], Setting> = {
  duration: { ...about, kind: 'duration', min: 1, max: 60_000, unlimited: true },
  count: { ...about, kind: 'count', min: 0, max: 10 },
  bytes: { ...about, kind: 'bytes', min: 0, max: 1_048_576 },
  boolean: { ...about, kind: 'boolean' },
  choice: { ...about, kind: 'choice', choices: ['fifo', 'lifo', true] },
};

describe('a setting', () => {
  it.each([
    ['duration', '2s', 2_000],
    ['duration', 1.5, 1.5],
    ['duration', Infinity, Infinity],
    ['count', 10, 10],
    ['bytes', '1kb', 1_024],
    ['boolean', false, false],
    ['choice', 'lifo', 'lifo'],
    ['choice', true, true],
  ] as const)('of kind %s takes %j', (kind, value, read) => {
    expect(checkSetting('name', value, kinds[kind])).toBe(read);
  });

  it.each([
    ['duration', 0, '0'],
    ['duration', '2 fortnights', '"2 fortnights"'],
    ['count', 1.5, '1.5'],
    ['count', 11, '11'],
    ['count', Infinity, 'Infinity'],
    ['count', '5', '"5"'],
    ['bytes', -1, '-1'],
    ['boolean', 'true', '"true"'],
    ['choice', 'random', '"random"'],
    ['choice', 'true', '"true"'],
    ['choice', false, 'false'],
    ['choice', ['fifo'], 'a list'],
  ] as const)('of kind %s refuses %j, and says what is allowed', (kind, value, shown) => {
    const setting = kinds[kind];
    const check = (): unknown => checkSetting('hosts["a"].name', value, setting);
    expect(check).toThrow(ConfigError);
    expect(check).toThrow(`hosts["a"].name is ${shown}; allowed: ${allowed(setting)}`);
  });
});

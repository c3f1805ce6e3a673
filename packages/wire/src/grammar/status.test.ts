import { STATUS_CODES } from 'node:http';
import { expect, it } from 'vitest';
import { isBodilessStatus, REASON_PHRASES, REDIRECT_STATUSES } from './status.js';

const CODES = Array.from({ length: 900 }, (_, index) => index + 100);

it('1xx, 204 and 304 have no body, and no other status is without one (RFC 9112 §6.3)', () => {
  expect(CODES.filter(isBodilessStatus)).toEqual([
    ...Array.from({ length: 100 }, (_, index) => index + 100),
    204,
    304,
  ]);
});

it('a redirect is 301, 302, 303, 307 or 308: 300 and 304 to 306 lead nowhere (RFC 9110 §15.4)', () => {
  expect(CODES.filter((code) => REDIRECT_STATUSES.has(code))).toEqual([301, 302, 303, 307, 308]);
});

it('the phrases are those of node:http', () => {
  expect(REASON_PHRASES).toEqual(STATUS_CODES);
  expect(Object.isFrozen(REASON_PHRASES)).toBe(true);
});

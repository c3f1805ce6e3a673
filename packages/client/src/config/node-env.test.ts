import { describe, expect, it } from 'vitest';
import { hasDiagnostics, isDevelopment } from './node-env.js';

describe('NODE_ENV', () => {
  it.each([
    ['production', false, false],
    ['development', true, true],
    ['test', true, true],
    ['staging', true, false],
    ['', true, false],
    [undefined, true, false],
  ])('%j: development is %j, diagnostics are %j', (NODE_ENV, development, diagnostics) => {
    expect(isDevelopment({ NODE_ENV })).toBe(development);
    expect(hasDiagnostics({ NODE_ENV })).toBe(diagnostics);
  });
});

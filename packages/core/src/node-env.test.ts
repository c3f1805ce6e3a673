import { describe, expect, it } from 'vitest';
import { hasDiagnostics, modeOf } from './node-env.js';

describe('NODE_ENV', () => {
  it.each([
    ['production', false, false],
    ['development', true, true],
    ['test', true, true],
    ['staging', true, false],
    ['', true, false],
    [undefined, true, false],
  ])('%j: development is %j, diagnostics are %j', (NODE_ENV, development, diagnostics) => {
    expect(modeOf({ NODE_ENV }) === 'development').toBe(development);
    expect(hasDiagnostics(undefined, { NODE_ENV })).toBe(diagnostics);
  });

  it('says nothing where the app was given a mode', () => {
    expect(hasDiagnostics('development', { NODE_ENV: 'production' })).toBe(true);
    expect(hasDiagnostics('production', { NODE_ENV: 'development' })).toBe(false);
  });
});

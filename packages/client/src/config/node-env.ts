/**
 * What `NODE_ENV` means, in one place:
 *
 *   production           neither of the two
 *   development, test    development, with diagnostics
 *   anything else, unset development, without diagnostics
 *
 * Development is what costs next to nothing: checks of the pool's invariants. Diagnostics cost a
 * stack trace for each call, which is three times the CPU of a small GET: too much for a program that was merely
 * started without `NODE_ENV`.
 */
type Environment = Readonly<Record<string, string | undefined>>;

export function isDevelopment(env: Environment = process.env): boolean {
  return env['NODE_ENV'] !== 'production';
}

export function hasDiagnostics(env: Environment = process.env): boolean {
  return env['NODE_ENV'] === 'development' || env['NODE_ENV'] === 'test';
}

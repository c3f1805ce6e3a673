/**
 * What `NODE_ENV` means, in one place:
 *
 *   production           neither of the two
 *   development, test    development, with diagnostics
 *   anything else, unset development, without diagnostics
 *
 * Development is what costs next to nothing: checks, warnings, and problems told to clients. Diagnostics cost a
 * stack trace for each call, which is three times the CPU of a small GET: too much for a program that was merely
 * started without `NODE_ENV`.
 */
export type Mode = 'development' | 'production';

type Environment = Readonly<Record<string, string | undefined>>;

export function modeOf(env: Environment = process.env): Mode {
  return env['NODE_ENV'] === 'production' ? 'production' : 'development';
}

/** @param mode as the app was given it, which wins over `NODE_ENV`: development then means diagnostics, too. */
export function hasDiagnostics(mode: Mode | undefined, env: Environment = process.env): boolean {
  if (mode !== undefined) return mode === 'development';
  return env['NODE_ENV'] === 'development' || env['NODE_ENV'] === 'test';
}

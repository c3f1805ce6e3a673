/**
 * Programs that are no part of Node: real servers and clients, which tests talk to. On CI their tests must run; on
 * another machine they are skipped where a program is missing, and the reason is printed.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'vitest';

/** Each program, and the Debian package that has it: what `.ci/run` installs. */
export const PACKAGES = {
  nginx: 'nginx-light',
  nghttpd: 'nghttp2-server',
  nghttpx: 'nghttp2-proxy',
  nghttp: 'nghttp2-client',
  h2load: 'nghttp2-client',
  curl: 'curl',
} as const;

export type ProgramName = keyof typeof PACKAGES;

/** Where a program is: on the PATH, or where Debian puts servers; undefined when it is not installed. */
export function findProgram(name: ProgramName): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @throws Error when it is not installed. */
export function pathOf(name: ProgramName): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(missing([name]));
  return path;
}

/** A `describe` of tests that need these programs. */
export function describeWith(names: readonly ProgramName[], title: string, body: () => void): void {
  const absent = names.filter((name) => findProgram(name) === undefined);
  if (absent.length === 0) {
    describe(title, body);
  } else if (process.env.CI === undefined) {
    console.warn(`skipped: "${title}": ${missing(absent)}`);
    describe.skip(title, body);
  } else {
    it(`CI has ${absent.join(', ')} for: ${title}`, () => {
      throw new Error(`${missing(absent)}; on CI these tests must run`);
    });
  }
}

function missing(names: readonly ProgramName[]): string {
  const packages = [...new Set(names.map((name) => PACKAGES[name]))];
  return `not installed: ${names.join(', ')} (apt-get install ${packages.join(' ')})`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

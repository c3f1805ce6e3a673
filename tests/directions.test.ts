/**
 * Every line of the table of directions (eslint.directions.js) is seen to fail: a module is made up in each room
 * it is about, with an import of each room it forbids, and linted with the configuration of the repository. What
 * the line allows passes.
 */
import { execFileSync } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { DIRECTIONS, NOT_BUILT, NOT_IN_WIRE } from '../eslint.directions.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// Rules that need types need files that are there, and these are made up. The two packages type a configuration
// differently; it is the same object.
const untyped = tseslint.configs.disableTypeChecked as Linter.Config;
const eslint = new ESLint({ cwd: ROOT, overrideConfig: untyped });

/** What that rule says of a module in that room, and that the module can be read at all. */
async function complaints(
  place: string,
  text: string,
  rule = 'hotaru/directions',
): Promise<string[]> {
  const [name, ...rest] = place.split('/');
  const filePath = join(ROOT, 'packages', name ?? '', 'src', ...rest);
  const [result] = await eslint.lintText(text, { filePath });
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId === rule || ruleId === null)
    .map(({ message }) => message);
}

/** A module in that room: the room itself if it is one. */
function moduleIn(room: string): string {
  return room.endsWith('.ts') ? room : `${room}/made-up.ts`;
}

/** As the module at `from` would write it. */
function specifier(from: string, room: string): string {
  if (room.includes(':')) return room;
  const [name = '', ...rest] = room.split('/');
  if (name === from.split('/')[0]) {
    const path = relative(dirname(from), moduleIn(room)).replace(/\.ts$/, '.js');
    return path.startsWith('.') ? path : `./${path}`;
  }
  const entry = rest.filter((part) => part !== 'index.ts').join('/');
  return entry === '' ? `@hotaru/${name}` : `@hotaru/${name}/${entry}`;
}

/** What is everything but a room: two modules that no line allows. */
const EVERYTHING = ['node:net', 'core'];

describe.each(DIRECTIONS)('$from: $why', ({ from, except = [], never, may, why }) => {
  const forbidden = never.flatMap((room) => (room === '*' ? EVERYTHING : [room]));

  it.each(from.flatMap((room) => forbidden.map((target) => [room, target] as const)))(
    '%s does not import %s',
    async (room, target) => {
      const place = moduleIn(room);
      const source = specifier(place, target);
      const said = await complaints(place, `import { x } from '${source}';\nx();\n`);
      expect(said.filter((message) => message.startsWith(`${why}. Not to be`))).toHaveLength(1);
    },
  );

  it.each(from.flatMap((room) => may.map((target) => [room, target] as const)))(
    '%s may import %s',
    async (room, target) => {
      const place = moduleIn(room);
      const said = await complaints(place, `import '${specifier(place, target)}';\n`);
      expect(said.filter((message) => message.startsWith(why))).toEqual([]);
    },
  );

  it.each(except.flatMap((room) => forbidden.map((target) => [room, target] as const)))(
    '%s is another matter: it may import %s',
    async (room, target) => {
      const place = moduleIn(room);
      const said = await complaints(place, `import '${specifier(place, target)}';\n`);
      expect(said.filter((message) => message.startsWith(why))).toEqual([]);
    },
  );
});

describe('an import is seen in every form', () => {
  it.each([
    `import '../send/x.js';`,
    `import { x } from '../send/x.js';`,
    `import type { X } from '../send/x.js';`,
    `import * as all from '../send/x.js';`,
    `export { x } from '../send/x.js';`,
    `export type { X } from '../send/x.js';`,
    `export * from '../send/x.js';`,
    `const x = await import('../send/x.js');`,
    `type X = import('../send/x.js').X;`,
    `import x = require('../send/x.js');`,
    `import { x } from './../pool/../send/x.js';`,
    `import { connect } from 'net';`, // `node:net`, as it was called
  ])('%s', async (text) => {
    const said = await complaints('client/pool/made-up.ts', `${text}\n`);
    expect(said).toEqual([expect.stringMatching(/^pool\/ knows no sockets and no HTTP\. Not to/)]);
  });

  it.each([`import { x } from './send/x.js';`, `const text = "import '../send/x.js'";`])(
    'and this is none of them: %s',
    async (text) => {
      expect(await complaints('client/pool/made-up.ts', `${text}\n`)).toEqual([]);
    },
  );

  it('tests may import what they test', async () => {
    const text = `import { x } from '../send/x.js';\n`;
    expect(await complaints('client/pool/made-up.test.ts', text)).toEqual([]);
  });
});

it.each(NOT_IN_WIRE)(
  'wire does not use %s; a test of it, and other packages, may',
  async (name) => {
    const rule = 'no-restricted-globals';
    const text = `export const x: unknown = ${name};\n`;
    const said = await complaints('wire/http1/made-up.ts', text, rule);
    expect(said).toEqual([`Unexpected use of '${name}'. wire has no clock and no I/O.`]);
    for (const place of ['wire/http1/made-up.test.ts', 'client/pool/made-up.ts'])
      expect(await complaints(place, text, rule)).toEqual([]);
  },
);

it('every room of the table is there, or said to be not built yet', () => {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', 'packages/*/src/*'];
  const files = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((file) => file.replace(/^packages\/([^/]+)\/src\//, '$1/'));
  const rooms = DIRECTIONS.flatMap(({ from, except = [], never, may }) =>
    [from, except, never, may].flat(),
  ).filter((room) => room !== '*' && !room.includes(':'));
  const missing = [...new Set(rooms)].filter(
    (room) => !files.some((file) => file === room || file.startsWith(`${room}/`)),
  );
  expect(missing.sort()).toEqual([...NOT_BUILT].sort());
});

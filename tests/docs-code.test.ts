/** Every TypeScript block of our pages compiles against the packages as they are built. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeBlocks, ROOT } from './markdown.js';

type PackageName = 'client' | 'core' | 'wire';

/** What each page is about: names of this package need no import in an example. */
const PAGES: Readonly<Record<string, PackageName>> = {
  'README.md': 'core',
  'docs/client.md': 'client',
  'docs/framework.md': 'core',
  'docs/getting-started.md': 'core',
  'docs/testing.md': 'client',
  'packages/client/README.md': 'client',
  'packages/core/README.md': 'core',
  'packages/wire/README.md': 'wire',
};

/** Of a block in getting-started.md that is a file: tests/getting-started.test.ts compiles and runs these. */
const NAMED_FILE = /`src\/[\w.]+\.ts`/;

/** What the examples use and do not make: things that the program of a reader has. */
const PLACEHOLDERS = `
import type * as client from '@hotaru/client';
import type * as core from '@hotaru/core';
declare global {
  const app: core.App;
  const ctx: core.HttpContext;
  const pool: client.ConnectionPool;
  const ca: string, cert: string, key: string;
}
`;

const scratch = mkdtempSync(join(tmpdir(), 'hotaru-docs-'));

beforeAll(() => symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function exportsOf(name: PackageName): string[] {
  const index = readFileSync(join(ROOT, 'packages', name, 'src/index.ts'), 'utf8');
  return [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((one) => one.trim().replace(/^type /, ''))
      .filter((one) => one !== ''),
  );
}

/** A block as a module: with an import of the names it uses and neither declares nor imports. */
function asModule(text: string, name: PackageName): string {
  const declared = [
    ...text.matchAll(
      /^import (?:type )?\{([^}]*)\}|\b(?:const|let|class|function) (\{[^}]*\}|\w+)/gm,
    ),
  ]
    .map(([, imported = '', own = '']) => `${imported} ${own}`)
    .join(' ');
  const has = (words: string, one: string): boolean => new RegExp(`\\b${one}\\b`).test(words);
  const names = exportsOf(name).filter((one) => has(text, one) && !has(declared, one));
  return `import { ${names.join(', ')} } from '@hotaru/${name}'; ${text}\nexport {};\n`;
}

it('compiles', () => {
  writeFileSync(join(scratch, 'package.json'), '{"type":"module"}');
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2023',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        types: ['node'],
      },
    }),
  );
  writeFileSync(join(scratch, 'placeholders.d.ts'), PLACEHOLDERS);
  const places = new Map<string, string>();
  for (const [page, name] of Object.entries(PAGES))
    for (const block of codeBlocks(page)) {
      if (block.language !== 'ts') continue;
      if (page === 'docs/getting-started.md' && NAMED_FILE.test(block.before)) continue;
      const file = `${page.replaceAll(/\W/g, '-')}-${block.line}.ts`;
      places.set(file, `${page}:${block.line}`);
      writeFileSync(join(scratch, file), asModule(block.text, name));
    }
  expect(places.size).toBeGreaterThan(12);
  expect(compile(places)).toBe('');
});

it('the example of the wire runs, and prints what its page says', () => {
  const [example] = codeBlocks('packages/wire/README.md').filter(
    ({ language }) => language === 'ts',
  );
  const file = join(scratch, 'wire.mjs'); // it has no types in it
  writeFileSync(file, example?.text ?? '');
  expect(execFileSync(process.execPath, [file], { encoding: 'utf8' }).split('\n')).toEqual([
    "200 [ [ 'content-length', '2' ] ] with a body",
    'hi keep-alive',
    'the next answer',
    '',
  ]);
});

/** The compiler's complaints, with the places in our pages; '' for none. */
function compile(places: ReadonlyMap<string, string>): string {
  try {
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['--pretty', 'false'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout.replaceAll(
      /^([\w-]+\.ts)\((\d+),\d+\)/gm,
      (_, file: string, line: string) => `line ${line} of the block at ${places.get(file) ?? file}`,
    );
  }
}

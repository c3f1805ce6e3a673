/** No module of a package is, by way of its imports, imported by itself: which of two ran first would be chance. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { circles, packageSources, valueImports } from './import-graph.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

it('no package has a circle of imports among values', () => {
  const graph = valueImports(packageSources(ROOT));
  const links = [...graph.values()].reduce((count, imported) => count + imported.length, 0);
  expect(links).toBeGreaterThan(400); // the imports were found
  expect(graph.get('packages/core/src/app.ts')).toContain('packages/client/src/index.ts');
  expect(circles(graph)).toEqual([]);
});

it.each([
  ['two modules', { a: `import { b } from './b.js';`, b: `import { a } from './a.js';` }, 'a b a'],
  [
    'a way through a third, and an export',
    {
      a: `export * from './b.js';`,
      b: `import './c.js';`,
      c: `import { type A, a } from './a.js';`,
      d: `import './a.js';`,
    },
    'a b c a',
  ],
  ['itself', { a: `import * as self from './a.js';` }, 'a a'],
  [
    'a name that is a type, of an import that is not', // stays as `import {} from`
    { a: `import { type B } from './b.js';`, b: `export { a } from './a.js';` },
    'a b a',
  ],
])('a circle is seen: %s', (_, modules, circle) => {
  expect(circlesOf(modules)).toEqual([circle.split(' ').map(fileOf)]);
});

it.each([
  ['types', { a: `import type { B } from './b.js';`, b: `import { a } from './a.js';` }],
  ['exported types', { a: `export type { B } from './b.js';`, b: `import { a } from './a.js';` }],
  ['import()', { a: `const b = () => import('./b.js');`, b: `import { a } from './a.js';` }],
  ['two ways to one', { a: `import './b.js'; import './c.js';`, b: `import './c.js';`, c: '' }],
])('none is seen where none is: %s', (_, modules) => {
  expect(circlesOf(modules)).toEqual([]);
});

function circlesOf(modules: Record<string, string>): string[][] {
  const sources = Object.entries(modules).map(([name, text]) => [fileOf(name), text] as const);
  return circles(valueImports(new Map(sources)));
}

function fileOf(name: string): string {
  return `packages/x/src/${name}.ts`;
}

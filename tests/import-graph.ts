/**
 * Which module imports which, of the sources of all packages, and the circles in that: imports that are still
 * there when the types are gone (`verbatimModuleSyntax` keeps all but `import type` and `export type`). An
 * `import()` is none: it is asked for when both modules are there.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** Path → paths that it imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The sources of all packages as they are in the working tree, without tests. */
export function packageSources(root: string): Map<string, string> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', 'packages/*/src/*.ts'];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  return new Map(
    files
      .filter((file) => !file.endsWith('.test.ts') && existsSync(join(root, file)))
      .map((file) => [file, readFileSync(join(root, file), 'utf8')]),
  );
}

/** @param sources text by path; only imports among these count. */
export function valueImports(sources: ReadonlyMap<string, string>): ImportGraph {
  const graph = new Map<string, readonly string[]>();
  for (const [file, text] of sources) {
    const imported = specifiersOf(file, text).map((specifier) => resolve(file, specifier));
    graph.set(file, [...new Set(imported)].filter((other) => sources.has(other)).sort());
  }
  return graph;
}

function specifiersOf(file: string, text: string): string[] {
  const found: string[] = [];
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.ESNext).statements) {
    if (ts.isImportDeclaration(statement)) {
      if (statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) continue;
    } else if (!ts.isExportDeclaration(statement) || statement.isTypeOnly) continue;
    const { moduleSpecifier } = statement;
    if (moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier))
      found.push(moduleSpecifier.text);
  }
  return found;
}

/** `./x.js` is `x.ts` beside it; `@hotaru/x/y` is the index of that folder. */
function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return join(dirname(file), specifier).replace(/\.js$/, '.ts');
  const [, name = '', entry = ''] = /^@hotaru\/([^/]+)(\/.+)?$/.exec(specifier) ?? [];
  return join('packages', name, `src${entry}`, 'index.ts');
}

/** Modules that reach each other, each circle as the shortest way round that there is from its first module. */
export function circles(graph: ImportGraph): string[][] {
  const found: string[][] = [];
  const inCircle = new Set<string>();
  for (const start of [...graph.keys()].sort()) {
    if (inCircle.has(start)) continue;
    const way = wayBack(graph, start);
    if (way === undefined) continue;
    for (const file of way) inCircle.add(file);
    found.push([...way, start]);
  }
  return found;
}

/** Breadth first, from `start` to itself. */
function wayBack(graph: ImportGraph, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const file of queue)
    for (const next of graph.get(file) ?? []) {
      if (next === start) {
        const way = [file];
        for (let at = file; at !== start; way.unshift(at)) at = cameFrom.get(at) ?? start;
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      queue.push(next);
    }
  return undefined;
}

/**
 * Type-checks the declarations of the packages as a new user gets them: from the tarballs, with a new
 * `@types/node` and the native TypeScript, and with `skipLibCheck: false`, so that they are read at all.
 *
 *   node scripts/check-declarations.mjs [version of @types/node, default: the pinned one]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rootDir = join(import.meta.dirname, '..');
const typesVersion = process.argv[2] ?? '26.6.6'; // pinned, as every version here
const scratch = mkdtempSync(join(tmpdir(), 'hotaru-types-'));

function pack(name) {
  const cwd = join(rootDir, 'packages', name);
  const args = ['pack', '--silent', '--pack-destination', scratch];
  return join(scratch, execFileSync('npm', args, { cwd, encoding: 'utf8' }).trim());
}

/** Each entry point that the package exports: `@hotaru/client`, `@hotaru/client/testing` and so on. */
function entriesOf(name) {
  const { exports } = JSON.parse(readFileSync(join(rootDir, 'packages', name, 'package.json')));
  const withTypes = Object.keys(exports).filter((key) => exports[key].types !== undefined);
  return withTypes.map((key) => `@hotaru/${name}${key.slice(1)}`);
}

try {
  const names = ['wire', 'client', 'core'];
  const tarballs = names.map(pack);
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module", "private": true }\n');
  execFileSync(
    'npm',
    ['install', '--silent', '--no-audit', ...tarballs, `@types/node@${typesVersion}`],
    { cwd: scratch, stdio: 'inherit' },
  );
  const imports = names.flatMap(entriesOf).map((entry) => `import '${entry}';\n`);
  writeFileSync(join(scratch, 'all.ts'), imports.join(''));
  const compilerOptions = {
    target: 'ES2023',
    lib: ['ES2023', 'ESNext.Disposable'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  writeFileSync(
    join(scratch, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['all.ts'] }),
  );
  const tsc = join(rootDir, 'node_modules/@typescript/native/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', scratch], { cwd: scratch, stdio: 'inherit' });
} catch (error) {
  if (error.status === undefined) throw error;
  process.exitCode = 1; // it has said why
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

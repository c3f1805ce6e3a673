/**
 * What a tarball has beside the code: the licence, the documents, and a README whose links lead to them.
 *
 *   node ../../scripts/pack.mjs before    `prepack`: builds, removes what the compiler made of sources that are gone,
 *                                         copies, points the README's links into the package
 *   node ../../scripts/pack.mjs after     `postpack`: removes the copies, puts the README back
 *
 * In the repository a package's README links to `../../docs/client.md`; in the tarball the same file is
 * `docs/client.md`. `tests/packages.test.ts` checks every link of what is packed.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const packageDir = process.cwd();
const rootDir = join(import.meta.dirname, '..');
const readme = join(packageDir, 'README.md');
// Not README.…: npm packs every file whose name begins so.
const kept = join(packageDir, '.packing.README.md');

function before() {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: packageDir, stdio: 'inherit' });
  removeOrphans();
  after(); // what a pack that was cut off has left
  cpSync(join(rootDir, 'LICENSE'), join(packageDir, 'LICENSE'));
  cpSync(join(rootDir, 'docs'), join(packageDir, 'docs'), { recursive: true });
  const text = readFileSync(readme, 'utf8');
  renameSync(readme, kept);
  writeFileSync(readme, text.replaceAll('](../../', ']('));
}

/** A source that was moved or removed leaves what was made of it in dist, and the compiler never looks at it again. */
function removeOrphans() {
  const dist = join(packageDir, 'dist');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const name = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file)?.[1];
    if (name !== undefined && !existsSync(join(packageDir, 'src', `${name}.ts`)))
      rmSync(join(dist, file));
  }
}

function after() {
  rmSync(join(packageDir, 'LICENSE'), { force: true });
  rmSync(join(packageDir, 'docs'), { recursive: true, force: true });
  if (existsSync(kept)) renameSync(kept, readme);
}

const step = { before, after }[process.argv[2]];
if (step === undefined) throw new Error('usage: pack.mjs before|after');
step();

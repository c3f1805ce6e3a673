/**
 * What a user gets from the registry: each tarball has its licence and documents, and no link in it leads nowhere; each
 * names what its code imports; and the three of them, in an empty folder, run the quickstart.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Program } from './run-program.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NAMES = ['wire', 'client', 'core'];
const scratch = mkdtempSync(join(tmpdir(), 'hotaru-pack-'));
/** Three packages are built and packed one after the other, on a machine that may be busy. */
const PACKING_MS = 60_000;
const folders = new Map<string, string>();

beforeAll(() => {
  for (const name of NAMES) folders.set(name, unpacked(name));
}, PACKING_MS);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function folderOf(name: string): string {
  return folders.get(name) ?? '';
}

/** Packs as `npm publish` does, `prepack` included, and unpacks the result. */
function unpacked(name: string): string {
  const source = join(ROOT, 'packages', name);
  const before = readFileSync(join(source, 'README.md'), 'utf8');
  const left = join(source, 'dist/source-that-was-moved.js'); // by an older build
  mkdirSync(join(source, 'dist'), { recursive: true });
  writeFileSync(left, '');
  const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', scratch], {
    cwd: source,
    encoding: 'utf8',
  }).trim();
  expect(readFileSync(join(source, 'README.md'), 'utf8')).toBe(before); // `postpack` put it back
  expect(existsSync(join(source, 'docs'))).toBe(false);
  const folder = mkdtempSync(join(scratch, `${name}-`));
  execFileSync('tar', ['xzf', join(scratch, file), '-C', folder]);
  return join(folder, 'package');
}

/** Links to files, of Markdown text: not to other sites, not within a page. */
function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^(?:https?:|mailto:|#)/.test(link));
}

describe.each(NAMES)('the tarball of %s', (name) => {
  it('has the code of its sources, and nothing that an older build has left', () => {
    const folder = folderOf(name);
    const made = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' });
    const orphans = made.filter((file) => {
      const source = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file)?.[1];
      return source !== undefined && !existsSync(join(folder, 'src', `${source}.ts`));
    });
    expect(orphans).toEqual([]);
  });

  it('has the licence, the code, the documents, and only links that lead somewhere', () => {
    const folder = folderOf(name);
    expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toContain('MIT License');
    for (const file of ['dist/index.js', 'dist/index.d.ts', 'src/index.ts', 'docs/README.md'])
      expect(existsSync(join(folder, file)), file).toBe(true);
    const pages = ['README.md', ...readdirSync(join(folder, 'docs')).map((page) => `docs/${page}`)];
    const links = pages.flatMap((page) =>
      linksOf(readFileSync(join(folder, page), 'utf8')).map((link) => ({ page, link })),
    );
    expect(links.filter(({ page }) => page === 'README.md').length).toBeGreaterThan(2);
    const broken = links.filter(
      ({ page, link }) => !existsSync(join(folder, dirname(page), link.replace(/#.*$/, ''))),
    );
    expect(broken).toEqual([]);
    expect(readdirSync(folder)).not.toContain('.packing.README.md');
  });

  it('has declarations that TypeScript before 5.6 reads, too: its iterables have one type argument', () => {
    const dist = join(folderOf(name), 'dist');
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
    const tooNew = files
      .filter((file) => file.endsWith('.d.ts'))
      .filter((file) =>
        /\bAsyncItera(?:ble|bleIterator)<\w+,/.test(readFileSync(join(dist, file), 'utf8')),
      );
    expect(tooNew).toEqual([]);
  });

  it('imports what its package.json names, all of it, and nothing else', () => {
    const folder = folderOf(name);
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as { dependencies?: Record<string, string> };
    expect([...importsOf(join(folder, 'dist'))].sort()).toEqual(Object.keys(dependencies).sort());
  });
});

/** Packages that code and declarations import, at the top or when asked for; Node's own are left out. */
function importsOf(dist: string): Set<string> {
  const found = new Set<string>();
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(?:js|d\.ts)$/.test(file)) continue;
    const text = readFileSync(join(dist, file), 'utf8').replace(/\/\*[^]*?\*\//g, ''); // examples in comments
    for (const [, specifier = ''] of text.matchAll(/(?:from|import|import\() ?'([\w@./:-]+)'/g))
      if (!specifier.startsWith('.') && !isBuiltin(specifier))
        found.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '');
  }
  return found;
}

it('the three tarballs, in a folder that has nothing else of ours, run the quickstart', async () => {
  const folder = mkdtempSync(join(scratch, 'user-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@hotaru'), { recursive: true });
  for (const name of NAMES)
    cpSync(folderOf(name), join(modules, '@hotaru', name), { recursive: true });
  // There is no registry here: what they depend on is linked. Of ours is only what was packed.
  for (const entry of readdirSync(join(ROOT, 'node_modules')))
    if (entry !== '@hotaru' && !entry.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', entry), join(modules, entry));
  cpSync(join(ROOT, 'examples/quickstart/dist/main.js'), join(folder, 'main.mjs'));
  const upstream = createServer((request, response) => response.end(`{"asked":"${request.url}"}`));
  await new Promise((resolve) => upstream.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = upstream.address() as AddressInfo;
  try {
    await using app = new Program(join(folder, 'main.mjs'), {
      BINDING: '127.0.0.1:0',
      UPSTREAM: `http://127.0.0.1:${port}`,
    });
    const url = (await app.prints(/(http:\/\/127\.0\.0\.1:\d+)/))[1] ?? '';
    expect(await (await fetch(`${url}/products/7`)).json()).toEqual({ asked: '/products/7' });
    app.kill('SIGTERM');
    expect(await app.exit).toBe(0);
  } finally {
    upstream.close();
  }
});

it('no page of the repository has a link that leads nowhere', () => {
  const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n');
  const broken = pages.flatMap((page) =>
    linksOf(readFileSync(join(ROOT, page), 'utf8'))
      .filter((link) => !existsSync(join(ROOT, dirname(page), link.replace(/#.*$/, ''))))
      .map((link) => `${page}: ${link}`),
  );
  expect(pages.length).toBeGreaterThan(10);
  expect(broken).toEqual([]);
});

/** As GitHub makes them of headings. */
function anchorsOf(text: string): Set<string> {
  const withoutCode = text.replace(/^ *```[^]*?^ *```$/gm, '');
  return new Set(
    [...withoutCode.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

it('no link into a page of docs/ names a heading that is not there', () => {
  const docs = join(ROOT, 'docs');
  const links = readdirSync(docs).flatMap((page) =>
    [...readFileSync(join(docs, page), 'utf8').matchAll(/\]\(([\w-]+\.md)?#([^)\s]+)\)/g)].map(
      ([, target = page, anchor = '']) => ({ page, target, anchor }),
    ),
  );
  expect(links.length).toBeGreaterThan(3);
  const broken = links.filter(
    ({ target, anchor }) => !anchorsOf(readFileSync(join(docs, target), 'utf8')).has(anchor),
  );
  expect(broken).toEqual([]);
});

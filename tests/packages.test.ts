/** What a user gets from the registry: each tarball has its licence and documents, and no link in it leads nowhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'hotaru-pack-'));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Packs as `npm publish` does, `prepack` included, and unpacks the result. */
function unpacked(name: string): string {
  const source = join(ROOT, 'packages', name);
  const before = readFileSync(join(source, 'README.md'), 'utf8');
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

describe.each(['client', 'core'])('the tarball of %s', (name) => {
  it('has the licence, the code, the documents, and only links that lead somewhere', () => {
    const folder = unpacked(name);
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

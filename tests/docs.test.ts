/** Tables in the documents are generated from the code, so that they can't rot. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { readmeLines, summaryPage } from '../benchmarks/src/harness/summary.js';
import type { Report } from '../benchmarks/src/harness/results.js';
import { SETTINGS, type Setting } from '../packages/client/src/config/defaults.js';
import { allowed } from '../packages/client/src/config/check-setting.js';
import { ERROR_CODES } from '../packages/client/src/errors.js';
import { CLIENT_RULES, SERVER_RULES } from '../packages/wire/test/support/http2-rules/index.js';
import { shownOutcome, type Http2Rule } from '../packages/wire/test/support/http2-rules/rule.js';
import { FRAMEWORK_ERRORS, type ErrorEntry } from '../packages/core/src/errors.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, when]) => `| \`${code}\` | ${cell(when)} |`);
  return ['| code | when |', '| --- | --- |', ...rows].join('\n');
}

function frameworkErrorTable(): string {
  const rows = (Object.entries(FRAMEWORK_ERRORS) as [string, ErrorEntry][]).map(
    ([code, { status, when }]) => `| \`${code}\` | ${status ?? ''} | ${cell(when)} |`,
  );
  return ['| code | status | when |', '| --- | --- | --- |', ...rows].join('\n');
}

function show(setting: Setting): string {
  if (setting.shownDefault !== undefined) return setting.shownDefault;
  if (setting.default === Infinity) return 'none';
  return setting.kind === 'duration' ? `${setting.default} ms` : String(setting.default);
}

const settings = Object.entries(SETTINGS) as [string, Setting][];

function settingsTable(): string {
  const rows = settings.map(
    ([name, setting]) => `| \`${name}\` | ${show(setting)} | ${cell(setting.what)} |`,
  );
  return ['| setting | default | what |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Why each is what it is, and what it takes: sentences, too long for a table. */
function settingsReasons(): string {
  return settings
    .map(([name, setting]) => `- \`${name}\`: ${setting.why}. Takes ${allowed(setting)}.`)
    .join('\n');
}

/** What a peer sends in HTTP/2, and what comes of it: as the tests have it. */
function ruleLists(role: string, lists: Readonly<Record<string, readonly Http2Rule[]>>) {
  return Object.entries(lists).map(([title, rules]) => {
    const lines = rules.map(
      ({ section, what, then }) => `- §${section} ${what}: **${shownOutcome(then)}**`,
    );
    return [`${role}: ${title}`, lines.join('\n')] as const;
  });
}

/** Puts what is generated after its marker, in place of the lines of a table or a list that are there. */
function filled(text: string, marker: string, lines: string): string {
  expect(text).toContain(`<!-- ${marker} -->\n`);
  const pattern = new RegExp(`(<!-- ${marker} -->\n)(?:\n?(?:[|-].*\n)+)?`);
  return text.replace(pattern, (_, head: string) => `${head}\n${lines}\n`);
}

// `UPDATE_DOCS=1 npx vitest run tests/docs.test.ts` writes them.
it.each([
  [
    'docs/client.md',
    [
      ['error-table', errorTable()],
      ['settings-table', settingsTable()],
      ['settings-reasons', settingsReasons()],
    ],
  ],
  [
    'docs/http2-conformance.md',
    [...ruleLists('to a server', SERVER_RULES), ...ruleLists('to a client', CLIENT_RULES)],
  ],
  ['docs/framework.md', [['framework-error-table', frameworkErrorTable()]]],
] as const)('%s has the tables and lists that the code has', async (page, tables) => {
  const before = readFileSync(`${ROOT}${page}`, 'utf8');
  let text = before;
  for (const [marker, lines] of tables) text = filled(text, marker, lines);
  const wanted = await format(text, { parser: 'markdown', printWidth: 100, singleQuote: true });
  if (process.env.UPDATE_DOCS === '1') writeFileSync(`${ROOT}${page}`, wanted);
  else expect(before).toBe(wanted);
});

describe.each([
  ['README.md', readmeLines],
  ['benchmarks/SUMMARY.md', summaryPage],
] as const)('the figures of %s', (page, draw) => {
  it('are what the report of Node 20 says', async () => {
    const file = fileURLToPath(new URL(`../${page}`, import.meta.url));
    const report = JSON.parse(
      readFileSync(new URL('../benchmarks/results/node-20/report.json', import.meta.url), 'utf8'),
    ) as Report;
    const before = readFileSync(file, 'utf8');
    const drawn = draw(report);
    const filled = before.replace(
      /(<!-- benchmark -->\n)[^]*(\n<!-- \/benchmark -->)/,
      (_, start: string, end: string) => `${start}\n${drawn}\n${end}`,
    );
    expect(filled).toContain(`<!-- benchmark -->\n\n${drawn.slice(0, 40)}`); // the markers are there
    const wanted = await format(filled, { parser: 'markdown', printWidth: 100, singleQuote: true });
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, wanted);
    else expect(before).toBe(wanted);
  });
});

it('docs/rules.md names code and tests that exist', () => {
  const root = fileURLToPath(new URL('../packages/client/', import.meta.url));
  const rules = readFileSync(fileURLToPath(new URL('../docs/rules.md', import.meta.url)), 'utf8');
  const sections = rules.split(/^## (?=\d)/m).slice(1);
  expect(sections).toHaveLength(18);
  for (const section of sections) {
    const rule = /.*/.exec(section)?.[0] ?? '';
    const [, enforced = '', shown = ''] = section.split(/^- (?:enforced in|shown by) /m);
    const places = [...enforced.matchAll(/`([\w/-]+\.ts)`\s`([#\w]+)`/g)];
    expect(places.length, rule).toBeGreaterThan(0);
    for (const [, file = '', symbol = ''] of places) {
      const path = file.startsWith('packages/') ? `${ROOT}${file}` : `${root}src/${file}`;
      expect(readFileSync(path, 'utf8'), rule).toContain(symbol);
    }
    const tests = [...shown.matchAll(/`([\w/-]+\.test\.ts)`(?:\s"([^"]+)")?/g)];
    expect(tests.length, rule).toBeGreaterThan(0);
    for (const [, file = '', title = ''] of tests)
      expect(readFileSync(`${root}test/${file}`, 'utf8'), rule).toContain(
        title.replace(/\s+/g, ' '),
      );
  }
});

it('docs/http2-conformance.md names tests that exist', () => {
  const page = readFileSync(`${ROOT}docs/http2-conformance.md`, 'utf8').replace(/\s+/g, ' ');
  const files = execFileSync('git', ['ls-files', '*.test.ts'], { cwd: ROOT, encoding: 'utf8' });
  const named = [...page.matchAll(/`([\w/-]+\.test\.ts)`((?:,? "[^"]+")*)/g)];
  expect(named.length).toBeGreaterThan(15);
  for (const [, file = '', titles = ''] of named) {
    const path = files.split('\n').filter((known) => known.endsWith(`/${file}`));
    expect(path, file).toHaveLength(1);
    const source = readFileSync(`${ROOT}${path[0]}`, 'utf8');
    for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) expect(source).toContain(title);
  }
});

it('no table is wider than a terminal', () => {
  const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((page) => !page.startsWith('benchmarks/')); // reports: drawn for a browser
  const wide = pages.flatMap((page) =>
    readFileSync(`${ROOT}${page}`, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        line.startsWith('|') && line.length > 120 ? [`${page}:${index + 1}`] : [],
      ),
  );
  expect(wide).toEqual([]);
});

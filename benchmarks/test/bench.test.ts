/** The benchmark itself, started as its users start it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const BENCH = fileURLToPath(new URL('../dist/bench.js', import.meta.url));

function bench(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BENCH, ...args], (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

it('a suite runs, and its table names ours, the peers and the bars', async () => {
  const { code, out } = await bench('idle-hit', '--rounds', '2', '--seconds', '0.1', '--dry');
  expect(code).toBe(0);
  expect(out).toContain('| hotaru: ConnectionPool');
  expect(out).toMatch(/(met|MISSED\*\*): get \+ put, µs: [\d.]+ \(bar ≤ 1\)/);
});

it('--check fails on a missed bar, and without it the run only says so', async () => {
  const results = await mkdtemp(path.join(tmpdir(), 'hotaru-bench-test-'));
  const measured = await bench(
    'idle-hit',
    '--rounds',
    '1',
    '--seconds',
    '0.1',
    '--results',
    results,
  );
  expect(measured.code).toBe(0);
  const [node = ''] = await readdir(results);
  const file = path.join(results, node, 'report.json');
  const report = JSON.parse(await readFile(file, 'utf8'));
  for (const bar of report.suites[0].bars) bar.atMost = 1e9;
  await writeFile(file, JSON.stringify(report));
  expect((await bench('--report', '--check', '--results', results)).code).toBe(0);

  report.suites[0].bars[0].atMost = -1;
  await writeFile(file, JSON.stringify(report));
  const told = await bench('--report', '--results', results);
  expect(told.code).toBe(0);
  expect(told.out).toContain('**MISSED**: get + put, µs: ');
  const checked = await bench('--report', '--check', '--results', results);
  expect(checked).toMatchObject({ code: 1, err: 'bars missed: 1\n' });
  expect(await readFile(path.join(results, node, 'report.md'), 'utf8')).toContain('1 missed');
  expect(await readFile(path.join(results, node, 'idle-hit.svg'), 'utf8')).toContain('<svg');
  await rm(results, { recursive: true });
});

it('an unknown name is refused, with the names there are', async () => {
  const { code, err } = await bench('client-h3');
  expect(code).toBe(1);
  expect(err).toContain('no suite is called client-h3; there are: client-h1, ');
});

it('figures that make no sense are refused', async () => {
  expect((await bench('--rounds', '1.5')).err).toContain(
    '--rounds is 1.5; allowed: a whole number',
  );
  expect((await bench('--seconds', 'soon')).err).toContain(
    '--seconds is soon; allowed: a number above 0',
  );
});

it('--against measures ours here and ours of another checkout, in the same rounds', async () => {
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  const brief = ['--rounds', '1', '--seconds', '0.05', '--against', checkout];
  const { code, out } = await bench('client-h1', ...brief);
  expect(code).toBe(0);
  expect(out).toContain('| before: hotaru: sendRequest');
  expect(out).not.toContain('undici');
  expect(out).toMatch(/(met|MISSED\*\*): c = 50: hotaru, now ÷ before: [\d.]+ \(bar ≤ 1.02\)/);
});

it('--against refuses a folder that is no built checkout, and a suite that measures a part', async () => {
  const none = await bench('client-h1', '--against', tmpdir());
  expect(none).toMatchObject({ code: 1 });
  expect(none.err).toContain('it has to be a checkout in which npm run build has run');
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  const part = await bench('idle-hit', '--dry', '--against', checkout);
  expect(part.code).toBe(1);
  expect(part.err).toContain('idle-hit measures a part of this checkout alone');
});

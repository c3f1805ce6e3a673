/**
 * docs/getting-started.md, followed to the letter in an empty folder: its files, its commands, its test. Left out is
 * only `npm install`, which has no registry here: the packages are linked instead. Its ports are replaced by free ones.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocks, ROOT } from './markdown.js';

const run = promisify(execFile);
const PAGE_PORTS = ['3003', '4001', '4002'];
const SHELL_TIMEOUT_MS = 45_000; // two compilers and two servers start, on a machine that may be busy

const blocks = codeBlocks('docs/getting-started.md');
const scripts = blocks.filter((block) => block.language === 'sh').map((block) => block.text);
const folder = mkdtempSync(join(tmpdir(), 'hotaru-start-'));
const ports = new Map<string, string>();

/** The files of the page: a block belongs to the last name that the text before it has. */
function files(): [name: string, text: string][] {
  return blocks.flatMap(({ language, text, before }): [string, string][] => {
    const name = [...before.matchAll(/^`((?:src\/)?[\w.]+\.(?:ts|json))`/gm)].at(-1)?.[1];
    return name === undefined || language === 'sh' ? [] : [[name, text]];
  });
}

function withFreePorts(text: string): string {
  return text.replaceAll(/\b(127\.0\.0\.1:)(\d+)/g, (_, host: string, port: string) => {
    expect(PAGE_PORTS).toContain(port);
    return `${host}${ports.get(port)}`;
  });
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

function shell(script: string): Promise<{ stdout: string; stderr: string }> {
  return run('bash', ['-c', script], {
    cwd: folder,
    timeout: SHELL_TIMEOUT_MS,
    // As on a user's machine: vitest sets NODE_ENV and more for its own programs.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? folder, NO_COLOR: '1' },
  });
}

/** The one script of the page that has this command. */
function scriptWith(command: string): string {
  const found = scripts.filter((script) =>
    script.split('\n').some((one) => one.startsWith(command)),
  );
  expect(found, command).toHaveLength(1);
  return withFreePorts(found[0]!);
}

beforeAll(async () => {
  for (const port of PAGE_PORTS) ports.set(port, await freePort());
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "type": "module" }');
  for (const [name, text] of files()) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), withFreePorts(text));
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the page', () => {
  it('has the files that it speaks of, and installs what they import', () => {
    const names = files().map(([name]) => name);
    expect(names).toEqual([
      'tsconfig.json',
      'src/app.ts',
      'src/main.ts',
      'src/services.ts',
      'src/app.test.ts',
    ]);
    const installed =
      scripts
        .join('\n')
        .match(/(?<=npm install ).*/g)
        ?.join(' ') ?? '';
    const imported = files().flatMap(([, text]) =>
      [...text.matchAll(/ from '((?:@[\w-]+\/)?[a-z][\w-]*)/g)].map(([, name = '']) => name),
    );
    expect(new Set(imported)).toEqual(new Set(['@hotaru/core', '@hotaru/client', 'vitest']));
    for (const name of imported) expect(installed.split(' ')).toContain(name);
  });

  it(
    'compiles, runs, and answers what it says',
    async () => {
      // One shell, with job control as in a terminal: `kill %1 %2` is of the page. At the end the jobs must be gone.
      const { stdout } = await shell(
        [
          'set -m -o pipefail',
          `trap 'kill -KILL $(jobs -p) 2>/dev/null' EXIT`,
          scriptWith('npx tsc').replace('npx tsc', 'npx tsc || exit 1'),
          scriptWith('curl -i'),
          'services=$(jobs -p %1) main=$(jobs -p %2); echo "the gateway is process $main"',
          scriptWith('kill '),
          'wait $services; echo "services ended with $?"; wait $main; echo "main ended with $?"',
        ].join('\n'),
      );
      const promised = /The answer is\s`(.*)`/.exec(
        blocks.map((one) => one.before).join('\n'),
      )?.[1];
      expect(promised).toBeDefined();
      expect(stdout).toContain(promised);
      expect(statusesOf(stdout)).toEqual(statusesSaidBy(scriptWith('curl -i')));
      expect(stdout).toContain('"code":"HOTARU_DEADLINE_EXCEEDED"');
      expect(stdout).toContain('services ended with 0');
      expect(stdout).toContain('main ended with 0');
      expect(gatewayLines(stdout, '/products/13')).toEqual([
        expect.objectContaining({
          err: expect.objectContaining({
            message: expect.stringContaining('/prices/13'),
            at: expect.stringContaining('dist/app.js'),
          }),
        }),
        expect.objectContaining({ msg: 'request', status: 504 }),
      ]);
    },
    2 * SHELL_TIMEOUT_MS,
  );

  it(
    'has a test that passes, once, also after tsc has compiled it',
    async () => {
      await shell('npx tsc');
      const { stdout } = await shell(scriptWith('npx vitest').replace(/^npm install .*$/m, ''));
      expect(stdout).toMatch(/Test Files\s+1 passed/);
      expect(stdout).toMatch(/Tests\s+1 passed/);
      expect(stdout).not.toContain('"level"');
    },
    2 * SHELL_TIMEOUT_MS,
  );
});

function statusesOf(output: string): string[] {
  return [...output.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status);
}

/** Of the comments: `curl … # 404: why`. */
function statusesSaidBy(script: string): string[] {
  const statuses = [...script.matchAll(/^curl .*# (\d+)/gm)].map(([, status = '']) => status);
  expect(statuses.length).toBeGreaterThan(1);
  return statuses;
}

/** Of the gateway's log: those about one path. */
function gatewayLines(output: string, path: string): unknown[] {
  const gateway = Number(/the gateway is process (\d+)/.exec(output)?.[1]);
  return output
    .replaceAll('{"level"', '\n{"level"') // curl ends no line
    .split('\n')
    .filter((line) => line.startsWith('{"level"'))
    .map((line) => JSON.parse(line) as { path?: string; pid: number })
    .filter((line) => line.pid === gateway && line.path === path);
}

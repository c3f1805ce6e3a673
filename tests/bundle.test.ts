/** A hello app in one file, bundled as docs/framework.md says, starts where there is no node_modules and answers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Program } from './run-program.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const HELLO = `
import { App } from '@hotaru/core';
const app = new App({ binding: '127.0.0.1:0' });
app.get('/hello/<name>', (ctx) => ({ hello: ctx.param('name') }));
const { url } = await app.start();
console.log('listening at ' + url + ' .');
await app.run();
`;

/** The command of the page, with its line break undone and its quotes taken off. */
function documentedArguments(): string[] {
  const page = readFileSync(join(ROOT, 'docs/framework.md'), 'utf8');
  const command = /^esbuild (src\/main\.ts [^]*?)\n```/m.exec(page)?.[1] ?? '';
  return [...command.replace('\\\n', ' ').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

it('the bundle of the documented command starts, answers, and stops with exit code 0', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotaru-bundle-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src/main.ts'), HELLO);
    const esbuild = join(ROOT, 'node_modules/esbuild/bin/esbuild');
    execFileSync(esbuild, [...documentedArguments(), '--log-level=error'], {
      cwd: folder,
      env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') }, // as if it were installed here
    });
    await using app = new Program(join(folder, 'dist/main.mjs'));
    const url = (await app.prints(/listening at (\S+) \./))[1] ?? '';
    expect(await (await fetch(`${url}/hello/bundle`)).json()).toEqual({ hello: 'bundle' });
    app.kill('SIGTERM');
    expect(await app.exit).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

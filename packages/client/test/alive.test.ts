/**
 * What keeps a process alive: a call that is pending, whatever it waits for, and nothing of a pool that is
 * idle. Real processes, which use the built package by its name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { NodeServer } from './support/node-server.js';

const PROGRAM = fileURLToPath(new URL('programs/waits.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/index.js', import.meta.url));

/** Runs the program to its end; `onLine` is told what it says. */
async function run(what: string, url: string, onLine: (line: string) => void = () => undefined) {
  if (!existsSync(BUILT)) throw new Error('build first: npm run build (npm test does)');
  const child = spawn(process.execPath, [PROGRAM, what, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  const lines = createInterface(child.stdout).on('line', (line) => {
    said.push(line);
    onLine(line);
  });
  const isRead = once(lines, 'close');
  const [code] = (await once(child, 'exit')) as [number | null];
  await isRead;
  return { code, said };
}

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Answers each request with more than any buffer between here and there holds. */
const flooding = () =>
  NodeServer.start((_req, res) => {
    res.end(Buffer.alloc(32 * 1_048_576));
  });

describe('a process stays alive', () => {
  it('while its call waits for the next dial to a host that refuses, until the service is up', async () => {
    const port = await closedPort();
    const server = createServer((_req, res) => res.end('hello'));
    const { code, said } = await run('until-up', `http://127.0.0.1:${port}`, (line) => {
      if (line === 'backing off') server.listen(port, '127.0.0.1');
    });
    server.close();
    expect([code, said]).toEqual([0, ['backing off', 'up after a back-off']]);
  });

  it('while its call waits for a connection whose holder does not read', async () => {
    await using origin = await flooding();
    const { code, said } = await run('in-line', origin.url);
    expect([code, said]).toEqual([0, ['HOTARU_ACQUIRE_TIMEOUT']]);
  });

  it('while it drains', async () => {
    await using origin = await flooding();
    const { code, said } = await run('drain', origin.url);
    expect([code, said]).toEqual([0, ['drained']]);
  });

  it('while it warms a host that backs off', async () => {
    const { code, said } = await run('warm', `http://127.0.0.1:${await closedPort()}`);
    expect([code, said]).toEqual([0, ['warm: 0']]);
  });
});

it('a process with an idle pool ends at once, though deadlines were an hour off', async () => {
  await using origin = await NodeServer.start((_req, res) => {
    res.end('hello');
  });
  const { code, said } = await run('nothing', origin.url);
  expect([code, said]).toEqual([0, ['answered']]);
});

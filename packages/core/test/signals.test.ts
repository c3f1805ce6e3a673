import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ScriptedUpstream } from '@hotaru/client/testing';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RawClient } from './helpers.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** The program under test: it says its port, then what it served. Text, since it runs what is built. */
const PROGRAM = `
import { App, getRequest } from '@hotaru/core';
const app = new App({ binding: '127.0.0.1:0', logger: { level: 'info' }, drainTimeout: '20s' });
let served = 0;
app.get('/work', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 10));
  return { served: ++served };
});
app.get('/hang', () => new Promise(() => undefined));
app.get('/call/<uint:port>', async (ctx) => {
  const res = await ctx.sendRequest('http://127.0.0.1:' + ctx.param('port'), getRequest('/'));
  return res.text();
});
app.server.once('listening', () => process.send({ port: app.server.address().port }));
await app.run();
process.send({ served });
process.disconnect();
`;

beforeAll(() => {
  execFileSync(
    process.execPath,
    ['node_modules/@typescript/native/bin/tsc', '-b', 'packages/core/tsconfig.build.json'],
    {
      cwd: REPOSITORY,
    },
  );
}, 120_000);

interface Running {
  child: ChildProcess;
  port: number;
  output: () => string;
  until: (text: string) => Promise<void>;
}

function spawnProgram(): ChildProcess & { stdout: Readable; stderr: Readable } {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return child as ChildProcess & { stdout: Readable; stderr: Readable };
}

async function startChild(): Promise<Running> {
  const child = spawnProgram();
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const message = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(output))),
  ]);
  const until = async (text: string): Promise<void> => {
    while (!output.includes(text)) await once(child.stdout, 'data');
  };
  return { child, port: (message[0] as { port: number }).port, output: () => output, until };
}

describe('a process that is told to stop', () => {
  it('SIGTERM under load loses no request', async () => {
    const { child, port } = await startChild();
    const clients = 40;
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    let answered = 0;
    let refused = 0;
    const lost: string[] = [];
    const ask = () =>
      new Promise<void>((resolve, reject) => {
        const request = httpGet(
          { host: '127.0.0.1', port, path: '/work', agent },
          (res: IncomingMessage) => {
            res.resume();
            res.once('end', () => (res.complete ? resolve() : reject(new Error('cut'))));
            res.once('error', reject);
          },
        );
        request.once('error', reject);
      });
    const loop = async (): Promise<void> => {
      for (;;) {
        try {
          await ask();
          if (++answered === 2_000) child.kill('SIGTERM');
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') refused++;
          else lost.push(String(error));
          return;
        }
      }
    };
    const exited = once(child, 'exit');
    const report = once(child, 'message');
    await Promise.all(Array.from({ length: clients }, loop));
    agent.destroy();
    expect(lost).toEqual([]);
    expect(refused).toBe(clients);
    expect((await report)[0], 'every request that was served was answered').toEqual({
      served: answered,
    });
    expect(await exited).toEqual([0, null]);
  }, 60_000);

  it('ends by itself although the global pool has idle connections', async () => {
    await using upstream = await ScriptedUpstream.start({
      script: async (peer) => {
        await peer.readRequest();
        await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      },
    });
    const { child, port } = await startChild();
    const upstreamPort = new URL(upstream.url).port;
    expect(await (await fetch(`http://127.0.0.1:${port}/call/${upstreamPort}`)).text()).toBe('ok');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second %s ends it at once', async (signal, code) => {
    const { child, port, until } = await startChild();
    const raw = new RawClient(port).write('GET /hang HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(raw.socket, 'connect');
    const exited = once(child, 'exit');
    child.kill(signal);
    await until('once more to stop at once');
    child.kill(signal);
    expect(await exited).toEqual([code, null]);
  });
});

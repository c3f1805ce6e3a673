/**
 * SIGTERM under load loses no request: a real process, which uses the built package by its name, is
 * told to end while it sends; every request it began has its answer before it is gone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { NodeServer } from './support/node-server.js';

const PROGRAM = fileURLToPath(new URL('programs/drained.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../dist/index.js', import.meta.url));

interface Counts {
  started: number;
  answered: number;
  wrong: number;
  refused: number;
  failed: string[];
  gauges: Record<string, number>;
}

it('SIGTERM under load loses no request, and the process ends by itself', async () => {
  if (!existsSync(BUILT)) throw new Error('build first: npm run build (npm test does)');
  const held: (() => void)[] = [];
  let arrived = 0;
  let answered = 0;
  let isHolding = false;
  let onArrival = (): void => undefined;
  function answer(req: IncomingMessage, res: ServerResponse): void {
    arrived += 1;
    req.resume();
    req.once('end', () => {
      const reply = (): unknown => res.end(`${req.method} ${req.url}`, () => (answered += 1));
      if (isHolding) held.push(reply);
      else reply();
      onArrival();
    });
  }
  await using origin = await NodeServer.start(answer);
  const child = spawn(process.execPath, [PROGRAM, origin.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const exit = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    // In the middle of it all, its eight connections busy and its callers waiting: SIGTERM.
    await new Promise<void>((resolve) => {
      onArrival = () => {
        if (arrived >= 1_000) isHolding = true;
        if (held.length < 8) return;
        onArrival = () => undefined;
        resolve();
      };
    });
    child.kill('SIGTERM');
    expect((await lines.next()).value).toBe('draining');
    expect(held).toHaveLength(8);
    isHolding = false;
    for (const reply of held) reply();

    const counts = JSON.parse(String((await lines.next()).value)) as Counts;
    expect(counts.failed).toEqual([]);
    expect(counts.wrong).toBe(0);
    expect(counts.answered).toBe(counts.started - counts.refused);
    expect(counts.refused).toBe(64); // each caller heard once that the pool is closed
    expect(counts.answered).toBe(arrived);
    expect(answered).toBe(arrived);
    expect(counts.gauges).toEqual({ idle: 0, active: 0, connecting: 0, waiting: 0 });
    expect(await exit).toEqual([0, null]);
    expect(origin.sockets).toHaveLength(8);
  } finally {
    child.kill('SIGKILL');
  }
});

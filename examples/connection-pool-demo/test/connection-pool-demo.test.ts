import { expect, it } from 'vitest';
import { Program } from '../../../tests/run-program.js';

it('shows one connection for a sequence, at most ten for a crowd, and ends by itself', async () => {
  await using program = new Program('examples/connection-pool-demo/dist/main.js');
  expect(await program.exit).toBe(0);
  const accepted = [...program.output.matchAll(/accepted\s+(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  expect(accepted[0]).toBe(50); // without pooling, each its own
  expect(accepted[1]).toBe(1);
  expect(accepted[2]).toBeLessThanOrEqual(9); // one is there already
  expect(program.output).toContain('hits 49, misses 1, hit rate 98.0 %');
});

/** The testing tool cuts a TLS connection whose handshake has just been done: Node 20 must not crash of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { testCertificates } from './certificates.js';

const PROGRAM = fileURLToPath(new URL('programs/cuts-handshakes.mjs', import.meta.url));

it.each(['close', 'reset'])('by %s', async (how) => {
  const { key, cert } = (await testCertificates()).localhost;
  const child = spawn(process.execPath, [PROGRAM, how], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(JSON.stringify({ key, cert }));
  expect(await once(child, 'exit')).toEqual([0, null]);
});

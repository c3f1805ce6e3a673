/** Builds the contender that is written in Go (`go/client`), where `go` is installed. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Absent } from './suite.js';
import type { Program } from './worker-process.js';

const SOURCE = fileURLToPath(new URL('../../go/client', import.meta.url));
const run = promisify(execFile);

/** @throws Absent where there is no Go. `folder` takes what is built. */
export async function buildGoProgram(folder: string): Promise<Program> {
  const executable = path.join(folder, 'go-client');
  try {
    await run('go', ['version']);
  } catch {
    throw new Absent('Go’s net/http, because `go` is not installed here');
  }
  // Without C: a build that needs no compiler but Go's, and no other Go than the one that is there.
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '' };
  await run('go', ['build', '-o', executable, '.'], { cwd: SOURCE, env });
  return { executable };
}

/**
 * nghttpd on the core that is not measured, for what goes up: it reads bodies to their end at little cost. nginx ends the
 * answer before the body has come, and node:http2 would set the pace.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pinned } from '../harness/worker-process.js';
import { JSON_BODY } from './answers.js';
import { accepting, freePort } from './ports.js';

export interface Nghttpd {
  readonly tlsPort: number;
  stop(): void;
}

/** 2^20 bytes less one, for streams and for connections. */
const WINDOW_BITS = '20';

/** Undefined where there is none. `folder` has the certificate as key.pem and cert.pem. */
export async function startNghttpd(folder: string): Promise<Nghttpd | undefined> {
  if (!isInstalled()) return undefined;
  const root = path.join(folder, 'sink');
  await mkdir(root);
  for (const name of ['json', 'swallow']) await writeFile(path.join(root, name), JSON_BODY);
  const port = await freePort();
  const windows = ['-w', WINDOW_BITS, '-W', WINDOW_BITS];
  const [command, args] = pinned('other', 'nghttpd', [
    ...['-a', '127.0.0.1', '-d', root, '-m', '1000', ...windows],
    ...[String(port), path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')],
  ]);
  const child = spawn(command, args, { stdio: 'ignore' });
  await accepting(port, 'nghttpd', child, () => '');
  return { tlsPort: port, stop: () => child.kill('SIGTERM') };
}

function isInstalled(): boolean {
  try {
    execFileSync('nghttpd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What stands still while contenders come and go: the origins, their certificate, the length of a window. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { startNginx, type Nginx } from '../origins/nginx.js';
import { WorkerProcess } from './worker-process.js';

export interface Timing {
  /** Before the first window of a process: it has spent so much CPU time, and is compiled, connected, warm. */
  readonly warmCpuMs: number;
  /** What hardly uses the CPU, because it waits for a slow network, warms up for so long at most. */
  readonly warmAtMostMs: number;
  /** Before a later window: connected and warm again. */
  readonly rewarmMs: number;
  readonly windowMs: number;
}

const WARM_CPU_MS = 1_500;
const SHORTEST_WINDOW_MS = 500;

/** Shorter windows than the default only show that everything works: they don't wait until it is compiled. */
export function timingOf(windowMs: number, warmCpuMs?: number): Timing {
  const isBrief = windowMs < SHORTEST_WINDOW_MS;
  const chosenMs = warmCpuMs ?? (isBrief ? windowMs : WARM_CPU_MS);
  return {
    warmCpuMs: chosenMs,
    // A tenth of a core is what a shared machine leaves at its worst.
    warmAtMostMs: isBrief && warmCpuMs === undefined ? windowMs * 2 : chosenMs * 10,
    rewarmMs: windowMs * 0.3,
    windowMs,
  };
}

export class Rig {
  private constructor(
    readonly timing: Timing,
    /** The certificate of all origins, which is its own authority (PEM). */
    readonly ca: string,
    readonly nodeOrigin: WorkerProcess,
    readonly nodePort: number,
    readonly nodeTlsPort: number,
    readonly nginx: Nginx | undefined,
    readonly folder: string,
  ) {}

  static async start(timing: Timing): Promise<Rig> {
    const folder = await mkdtemp(path.join(tmpdir(), 'hotaru-bench-'));
    await chmod(folder, 0o755); // nginx, started by root, reads as another user
    const pems = await generate([{ name: 'commonName', value: 'localhost' }], {
      algorithm: 'sha256',
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
          ],
        },
      ],
    });
    const certificate = { key: pems.private, cert: pems.cert };
    const nodeOrigin = new WorkerProcess('origins/node-origin', 'other');
    const [port, tlsPort] = await nodeOrigin.call<[number, number]>('start', certificate);
    const nginx = await startNginx(folder, certificate);
    return new Rig(timing, pems.cert, nodeOrigin, port, tlsPort, nginx, folder);
  }

  get originName(): string {
    return this.nginx === undefined
      ? 'a Node origin (nginx is not installed)'
      : `nginx ${this.nginx.version}`;
  }

  get port(): number {
    return this.nginx?.port ?? this.nodePort;
  }

  get tlsPort(): number {
    return this.nginx?.tlsPort ?? this.nodeTlsPort;
  }

  async close(): Promise<void> {
    this.nginx?.stop();
    await this.nodeOrigin.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

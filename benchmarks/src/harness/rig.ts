/** What stands still while contenders come and go: the origins, their certificate, the length of a window. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { startNginx, type Nginx } from '../origins/nginx.js';
import { WorkerProcess } from './worker-process.js';

export interface Timing {
  /** Before the first window of a process: compiled, connected, warm. */
  readonly warmMs: number;
  /** Before a later one: connected and warm again. */
  readonly rewarmMs: number;
  readonly windowMs: number;
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
    await chmod(folder, 0o755); // nginx, started by root, reads as nobody
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

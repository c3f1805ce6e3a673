/** What stands still while contenders come and go: the origins, their certificate, the length of a window. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { startNghttpd, type Nghttpd } from '../origins/nghttpd.js';
import { startNginx, type Nginx } from '../origins/nginx.js';
import type { NodeHttp2Ports } from '../origins/node-http2-origin.js';
import { buildGoProgram } from './go-program.js';
import { WorkerProcess, type Program } from './worker-process.js';

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

/** What is asked over HTTP/2. */
export interface Http2Origins {
  /** nginx, or node:http2 where it is missing: over TLS, plain, and HTTP/1.1 over TLS. */
  readonly tlsPort: number;
  readonly plainPort: number;
  readonly http1Port: number;
  /** nghttpd, or node:http2: reads what is sent up. */
  readonly sinkPort: number;
  /** node:http2, for answers that come late. */
  readonly node: NodeHttp2Ports;
  readonly process: WorkerProcess;
  readonly nghttpd: Nghttpd | undefined;
}

export class Rig {
  #http2: Promise<Http2Origins> | undefined;
  #goProgram: Promise<Program> | undefined;

  private constructor(
    readonly timing: Timing,
    /** The certificate of all origins, which is its own authority (PEM). */
    readonly ca: string,
    readonly key: string,
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
    await writeFile(path.join(folder, 'key.pem'), certificate.key);
    await writeFile(path.join(folder, 'cert.pem'), certificate.cert);
    const nginx = await startNginx(folder);
    const { cert, private: key } = pems;
    return new Rig(timing, cert, key, nodeOrigin, port, tlsPort, nginx, folder);
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

  /** Started when a suite first asks for them. */
  http2(): Promise<Http2Origins> {
    return (this.#http2 ??= this.#startHttp2());
  }

  async #startHttp2(): Promise<Http2Origins> {
    const process = new WorkerProcess('origins/node-http2-origin', 'other');
    const certificate = { key: this.key, cert: this.ca };
    const node = await process.call<NodeHttp2Ports>('start', certificate);
    const nghttpd = await startNghttpd(this.folder);
    const { http2Port: tlsPort = node.tlsPort, http2PlainPort: plainPort = node.plainPort } =
      this.nginx ?? {};
    const http1Port = this.nginx?.http2Port ?? node.http1Port;
    const sinkPort = nghttpd?.tlsPort ?? node.tlsPort;
    return { tlsPort, plainPort, http1Port, sinkPort, node, process, nghttpd };
  }

  /** The contender that is no JavaScript, built when a suite first asks for it. Rejects with `Absent`. */
  goProgram(): Promise<Program> {
    return (this.#goProgram ??= buildGoProgram(this.folder));
  }

  async close(): Promise<void> {
    const http2 = await this.#http2?.catch(() => undefined);
    http2?.nghttpd?.stop();
    await http2?.process.stop();
    this.nginx?.stop();
    await this.nodeOrigin.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

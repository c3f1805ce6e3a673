/**
 * A real server in a process of its own, for one test: free ports, a temp folder, ready as soon as each of its ports
 * takes a connection, gone with the test.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathOf, type ProgramName } from './programs.js';

/** Between choosing a free port and binding it, another program may take it. */
const MAX_STARTS = 3;
/** A bound on a hang, never a wait. */
const GUARD_MS = 10_000;

export interface ServerPlan {
  readonly program: ProgramName;
  /** How many ports it listens on. */
  readonly portCount: number;
  /** Written into its folder before it starts, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args: (folder: string, ports: readonly number[]) => readonly string[];
  /** Bind these, instead of free ones: a restart. */
  readonly ports?: readonly number[];
}

export class ServerProcess implements AsyncDisposable {
  readonly ports: readonly number[];
  /** What it has printed, on either stream. */
  output = '';
  readonly #folder: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exit: Promise<unknown>;

  private constructor(binary: string, args: readonly string[], folder: string, ports: number[]) {
    this.ports = ports;
    this.#folder = folder;
    this.#child = spawn(binary, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (piece: Buffer) => (this.output += piece.toString()));
    this.#exit = once(this.#child, 'close');
  }

  /** Accepts connections on each port when it resolves. */
  static async start(plan: ServerPlan): Promise<ServerProcess> {
    const binary = pathOf(plan.program);
    for (let attempt = 1; ; attempt += 1) {
      const folder = await mkdtemp(join(tmpdir(), `hotaru-${plan.program}-`));
      for (const [name, content] of Object.entries(plan.files ?? {}))
        await writeFile(join(folder, name), content);
      const ports = [...(plan.ports ?? (await freePorts(plan.portCount)))];
      const server = new ServerProcess(binary, plan.args(folder, ports), folder, ports);
      try {
        for (const port of ports) await server.#accepts(port);
        return server;
      } catch (error) {
        await server[Symbol.asyncDispose]();
        if (attempt === MAX_STARTS) throw error;
      }
    }
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The first port. */
  get port(): number {
    return this.ports[0] ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** At once: connections are cut. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasExited) this.#child.kill('SIGKILL');
    await this.#exit;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #accepts(port: number): Promise<void> {
    const giveUpAtMs = performance.now() + GUARD_MS;
    while (!(await takesConnection(port))) {
      if (this.hasExited) throw new Error(`it has ended:\n${this.output}`);
      if (performance.now() > giveUpAtMs)
        throw new Error(`nothing listens on ${port}:\n${this.output}`);
    }
    // Another program may have taken the port: then this one ends.
    if (this.hasExited) throw new Error(`it has ended:\n${this.output}`);
  }
}

async function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Refused, so far: again in a moment, which leaves the processor to the server.
    socket.once('error', () => setTimeout(() => resolve(false), 5));
  });
}

/** Held open together, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    }),
  );
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}

/**
 * A private nginx: its own configuration, ports, files and temp folders, in the foreground, gone with
 * the test. Ready when it says so in its log; nothing is polled.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { findProgram } from '../../../wire/test/support/programs.js';
import { freePorts } from '../../../wire/test/support/server-process.js';
import type { KeyAndCertificate } from '../certificates.js';

/** Where nginx is; undefined when it is not installed. */
export function findNginx(): string | undefined {
  return findProgram('nginx');
}

export interface NginxOptions {
  /** What stands in `server { … }`, besides the sockets it listens on. */
  server: string;
  /** Served under `/`, by name. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Another socket that speaks TLS, with this certificate. */
  tls?: KeyAndCertificate;
  /** Both sockets speak HTTP/2: the plain one by prior knowledge and nothing else, that with TLS by ALPN. */
  http2?: boolean;
}

/** Between choosing a free port and nginx binding it, another program may take it. */
const MAX_STARTS = 3;

/**
 * @example
 * await using nginx = await Nginx.start({ server: 'location / { return 200 ok; }' });
 * await sendRequest(nginx.url);
 */
export class Nginx implements AsyncDisposable {
  readonly url: string;
  readonly tlsUrl: string;
  /** What it has logged. */
  log = '';
  readonly #folder: string;
  readonly #process: ChildProcessByStdio<null, null, Readable>;
  readonly #exit: Promise<unknown>;
  readonly #watchers = new Set<() => void>();
  #hasExited = false;

  private constructor(binary: string, folder: string, ports: Ports) {
    this.url = `http://127.0.0.1:${ports.plain}`;
    this.tlsUrl = `https://127.0.0.1:${ports.tls}`;
    this.#folder = folder;
    this.#process = spawn(
      binary,
      ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process.stderr.on('data', (piece: Buffer) => {
      this.log += piece.toString();
      for (const look of this.#watchers) look();
    });
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', () => {
        this.#hasExited = true;
        for (const look of this.#watchers) look();
        resolve(undefined);
      });
    });
  }

  /** Accepts connections when it resolves. */
  static async start(options: NginxOptions): Promise<Nginx> {
    const binary = findNginx();
    if (binary === undefined) throw new Error('nginx is not installed');
    for (let attempt = 1; ; attempt += 1) {
      const folder = await mkdtemp(join(tmpdir(), 'hotaru-nginx-'));
      const [plain = 0, tls = 0] = await freePorts(2);
      const ports = { plain, tls };
      await writeFolder(folder, ports, options);
      const nginx = new Nginx(binary, folder, ports);
      try {
        await nginx.#workerStarted(1);
        return nginx;
      } catch (error) {
        await nginx[Symbol.asyncDispose]();
        if (attempt === MAX_STARTS || !nginx.log.includes('Address already in use')) throw error;
      }
    }
  }

  /** The targets of all requests it is done with: by connection, in the order in which they came. */
  get targets(): string[] {
    const bySerial = (a: string[], b: string[]): number =>
      Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]);
    return this.#requests.sort(bySerial).map(([, , target = '']) => target);
  }

  /** TCP connections on which a request has been answered. */
  get connectionCount(): number {
    return new Set(this.#requests.map(([connection]) => connection)).size;
  }

  /** Connection, number on it, target. */
  get #requests(): string[][] {
    const lines = readFileSync(join(this.#folder, 'access.log'), 'latin1').split('\n');
    return lines.slice(0, -1).map((line) => line.split(' '));
  }

  /** Rereads its configuration, as SIGHUP does; resolves when the new worker has taken over. */
  async reload(): Promise<void> {
    const started = this.#workersStarted;
    this.#process.kill('SIGHUP');
    await this.#workerStarted(started + 1);
  }

  get #workersStarted(): number {
    return this.log.match(/start worker process \d+/g)?.length ?? 0;
  }

  async #workerStarted(count: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (this.#workersStarted >= count) resolve();
        else if (this.#hasExited) reject(new Error(`nginx has ended:\n${this.log}`));
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) this.#process.kill('SIGTERM'); // at once: connections are cut
    await this.#exit;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface Ports {
  readonly plain: number;
  readonly tls: number;
}

async function writeFolder(folder: string, ports: Ports, options: NginxOptions): Promise<void> {
  const { files = {}, tls } = options;
  await mkdir(join(folder, 'files'));
  await mkdir(join(folder, 'temp'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, 'files', name), content);
  if (tls !== undefined) {
    await writeFile(join(folder, 'tls.crt'), tls.cert);
    await writeFile(join(folder, 'tls.key'), tls.key);
  }
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, ports, options));
}

function configuration(folder: string, ports: Ports, options: NginxOptions): string {
  const { server, tls, http2 = false } = options;
  const protocol = http2 ? 'http2' : '';
  // Run by root, its workers would run as another user, which can't read our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const listenTls =
    tls === undefined
      ? ''
      : `listen 127.0.0.1:${ports.tls} ssl ${protocol} backlog=1024;
    ssl_certificate ${folder}/tls.crt;
    ssl_certificate_key ${folder}/tls.key;
    ssl_session_cache shared:tls:1m;`;
  return `${user}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr notice;
events { worker_connections 1024; }
http {
  log_format requests '$connection $connection_requests $request_uri';
  access_log access.log requests;
  default_type application/octet-stream;
  types { text/plain txt; application/json json; }
  client_body_temp_path ${folder}/temp/body;
  proxy_temp_path ${folder}/temp/proxy;
  fastcgi_temp_path ${folder}/temp/fastcgi;
  uwsgi_temp_path ${folder}/temp/uwsgi;
  scgi_temp_path ${folder}/temp/scgi;
  server {
    listen 127.0.0.1:${ports.plain} ${protocol} backlog=1024;
    ${listenTls}
    root ${folder}/files;
    add_header x-connection $connection always;
    ${server}
  }
}
`;
}

/**
 * A private nginx: its own configuration, ports, files and temp folders, in the foreground, gone with
 * the test. Ready when it says so in its log; nothing is polled.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { KeyAndCertificate } from '../certificates.js';

/** Where nginx is: on the PATH, or where Debian puts it; undefined when it is not installed. */
export function findNginx(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nginx'))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface NginxOptions {
  /** What stands in `server { … }`, besides the sockets it listens on. */
  server: string;
  /** Served under `/`, by name. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Another socket that speaks TLS, with this certificate. */
  tls?: KeyAndCertificate;
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
      const ports = await freePorts();
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

/** Held open together, so that they differ. */
async function freePorts(): Promise<Ports> {
  const servers = [createServer(), createServer()];
  const [plain = 0, tls = 0] = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return { plain, tls };
}

async function writeFolder(folder: string, ports: Ports, options: NginxOptions): Promise<void> {
  const { server, files = {}, tls } = options;
  await mkdir(join(folder, 'files'));
  await mkdir(join(folder, 'temp'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, 'files', name), content);
  if (tls !== undefined) {
    await writeFile(join(folder, 'tls.crt'), tls.cert);
    await writeFile(join(folder, 'tls.key'), tls.key);
  }
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, ports, server, tls));
}

function configuration(
  folder: string,
  ports: Ports,
  server: string,
  tls: KeyAndCertificate | undefined,
): string {
  // Run by root, its workers would run as another user, which can't read our folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const listenTls =
    tls === undefined
      ? ''
      : `listen 127.0.0.1:${ports.tls} ssl;
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
  access_log off;
  default_type application/octet-stream;
  types { text/plain txt; application/json json; }
  client_body_temp_path ${folder}/temp/body;
  proxy_temp_path ${folder}/temp/proxy;
  fastcgi_temp_path ${folder}/temp/fastcgi;
  uwsgi_temp_path ${folder}/temp/uwsgi;
  scgi_temp_path ${folder}/temp/scgi;
  server {
    listen 127.0.0.1:${ports.plain} backlog=1024;
    ${listenTls}
    root ${folder}/files;
    add_header x-connection $connection always;
    ${server}
  }
}
`;
}

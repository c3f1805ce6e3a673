/** nginx, one worker on the core that is not measured. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pinned } from '../harness/worker-process.js';
import { BODY_BYTES, JSON_BODY } from './answers.js';

export interface Nginx {
  readonly version: string;
  readonly port: number;
  readonly tlsPort: number;
  /** TLS that never resumes a session. */
  readonly tlsFullPort: number;
  stop(): void;
}

/** Undefined where there is no nginx. `folder` is its own. */
export async function startNginx(
  folder: string,
  certificate: { key: string; cert: string },
): Promise<Nginx | undefined> {
  const version = versionOfNginx();
  if (version === undefined) return undefined;
  const [port, tlsPort, tlsFullPort] = await freePorts();
  const file = (name: string): string => path.join(folder, name);
  await mkdir(file('files'));
  for (const [name, length] of Object.entries(BODY_BYTES))
    await writeFile(file(`files${name}`), Buffer.alloc(length, 'x'));
  await writeFile(file('key.pem'), certificate.key);
  await writeFile(file('cert.pem'), certificate.cert);
  await writeFile(file('nginx.conf'), configuration(folder, port, tlsPort, tlsFullPort));
  const [command, args] = pinned('other', 'nginx', ['-p', folder, '-c', file('nginx.conf')]);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  await accepting(port, child, () => complaint);
  return { version, port, tlsPort, tlsFullPort, stop: () => child.kill('SIGTERM') };
}

function versionOfNginx(): string | undefined {
  try {
    // It says its version on stderr.
    const said = execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' });
    return /nginx\/(\S+)/.exec(said)?.[1];
  } catch {
    return undefined;
  }
}

function configuration(folder: string, port: number, tls: number, tlsFull: number): string {
  const locations = `
      root ${folder}/files;
      location /json { default_type application/json; return 200 '${JSON_BODY}'; }
      location / { default_type application/octet-stream; }`;
  const secure = `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;`;
  return `
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 16384; multi_accept on; }
http {
    access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; server_tokens off;
    keepalive_timeout 1h; keepalive_requests 1000000000; client_max_body_size 0;
    client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
    server { listen 0.0.0.0:${port} backlog=8192; ${locations} }
    server { listen 0.0.0.0:${tls} ssl backlog=8192; ${secure} ssl_session_cache shared:bench:20m; ssl_session_timeout 1h; ${locations} }
    server { listen 0.0.0.0:${tlsFull} ssl; ${secure} ssl_session_cache off; ssl_session_tickets off; ${locations} }
}`;
}

async function freePorts(): Promise<[number, number, number]> {
  const servers = await Promise.all(
    [0, 0, 0].map(
      (port) =>
        new Promise<net.Server>((resolve) => {
          const server = net.createServer().listen(port, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports as [number, number, number];
}

async function accepting(
  port: number,
  child: ChildProcess,
  complaint: () => string,
): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${complaint()}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await pause(50);
  }
  throw new Error(`nginx does not accept connections on port ${port}: ${complaint()}`);
}

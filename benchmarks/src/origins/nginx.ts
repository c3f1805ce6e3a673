/** nginx, one worker on the core that is not measured. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pinned } from '../harness/worker-process.js';
import { BODY_BYTES, FIELDS, JSON_BODY, TWENTY_FIELDS, VIA } from './answers.js';
import { accepting, freePorts } from './ports.js';

export interface Nginx {
  readonly version: string;
  readonly port: number;
  readonly tlsPort: number;
  /** TLS that never resumes a session. */
  readonly tlsFullPort: number;
  /** HTTP/2 and HTTP/1.1 over TLS, and HTTP/2 without. */
  readonly http2Port: number;
  readonly http2PlainPort: number;
  stop(): void;
}

/** Undefined where there is no nginx. `folder` has the certificate as key.pem and cert.pem. */
export async function startNginx(folder: string): Promise<Nginx | undefined> {
  const version = versionOfNginx();
  if (version === undefined) return undefined;
  const ports = (await freePorts(5)) as Ports;
  const [port] = ports;
  const file = (name: string): string => path.join(folder, name);
  await mkdir(file('files'));
  for (const [name, length] of Object.entries(BODY_BYTES))
    await writeFile(file(`files${name}`), Buffer.alloc(length, 'x'));
  await writeFile(file('nginx.conf'), configuration(folder, ports));
  const [command, args] = pinned('other', 'nginx', ['-p', folder, '-c', file('nginx.conf')]);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  await accepting(port, 'nginx', child, () => complaint);
  const [, tlsPort, tlsFullPort, http2Port, http2PlainPort] = ports;
  const stop = () => child.kill('SIGTERM');
  return { version, port, tlsPort, tlsFullPort, http2Port, http2PlainPort, stop };
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

/** Plain, TLS, TLS without resumption, HTTP/2 over TLS, HTTP/2 without. */
type Ports = [number, number, number, number, number];

function configuration(folder: string, ports: Ports): string {
  const [port, tls, tlsFull, http2, http2Plain] = ports;
  const fields = Object.entries(FIELDS)
    .map(([name, value]) => `add_header ${name} '${value.replaceAll("'", "\\'")}';`)
    .join(' ');
  const locations = `
      root ${folder}/files;
      location /json { default_type application/json; return 200 '${JSON_BODY}'; }
      location ${TWENTY_FIELDS} { default_type application/json; ${fields} return 200 '${JSON_BODY}'; }
      location ${VIA} { default_type text/plain; return 200 '$server_protocol $connection'; }
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
    server { listen 0.0.0.0:${http2} ssl http2; ${secure} ${locations} }
    server { listen 0.0.0.0:${http2Plain} http2; ${locations} }
}`;
}

/**
 * Real HTTP/2 servers, each answering the same: `GET /hello` a text, `POST /echo` what was posted. What is asserted of
 * connections is counted at the server.
 */
import { afterEach } from 'vitest';
import { ConnectionPool, type PoolConfigInput, type RequestInit } from '@hotaru/client';
import type { ProgramName } from '../../../wire/test/support/programs.js';
import { testCertificates, type KeyAndCertificate } from '../certificates.js';
import { Nghttpd, Nghttpx } from '../support/nghttp2.js';
import { Nginx } from '../support/nginx.js';
import {
  NodeHttp2Server,
  type CompatHandler,
  type StreamHandler,
} from '../support/node-http2-server.js';
import { NodeServer } from '../support/node-server.js';

export const HELLO = 'hello from a real server\n';

const pools: ConnectionPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

/** A pool that trusts the certificates of tests, and speaks HTTP/2 without TLS, too; closed with its test. */
export async function poolOf(
  config: PoolConfigInput = {},
  environment: ConstructorParameters<typeof ConnectionPool>[1] = {},
): Promise<ConnectionPool> {
  const { ca } = await testCertificates();
  const pool = new ConnectionPool(
    { http2: 'prior-knowledge', hosts: { '127.0.0.1': { tls: { ca } } }, ...config },
    environment,
  );
  pools.push(pool);
  return pool;
}

export function post(path: string, body: string | Uint8Array): RequestInit {
  return { method: 'POST', path, body };
}

export interface RealServer {
  readonly url: string;
  /** TCP connections that carried a request. */
  readonly connectionCount: number;
}

/** Runs `use` with a server that lives as long. */
export type WithServer = (use: (server: RealServer) => Promise<void>) => Promise<void>;

export interface RealServerKind {
  readonly name: string;
  readonly programs: readonly ProgramName[];
  readonly run: WithServer;
}

/** Passes on what is posted to `/echo` as it comes. */
export function proxyTo(port: number): string {
  return `location /echo {
    client_max_body_size 64m; proxy_request_buffering off; proxy_http_version 1.1; proxy_set_header connection "";
    proxy_pass http://127.0.0.1:${port};
  }`;
}

/** An echo over HTTP/1.1, for proxies. */
export function echoServer(): Promise<NodeServer> {
  return NodeServer.start((req, res) => {
    if (req.method === 'POST') req.pipe(res);
    else res.end(HELLO);
  });
}

export const onStream: StreamHandler = (stream, headers) => {
  stream.respond({ ':status': 200, 'content-type': 'application/octet-stream' });
  if (headers[':method'] === 'POST') stream.pipe(stream);
  else stream.end(HELLO);
};

export const onRequest: CompatHandler = (req, res) => {
  if (req.method === 'POST') req.pipe(res);
  else res.end(HELLO);
};

const TRANSPORTS = ['tls', 'plain'] as const;
type Transport = (typeof TRANSPORTS)[number];

async function keyOf(transport: Transport): Promise<{ tls?: KeyAndCertificate }> {
  return transport === 'tls' ? { tls: (await testCertificates()).localhost } : {};
}

function kind(
  name: string,
  programs: readonly ProgramName[],
  run: (transport: Transport) => WithServer,
): RealServerKind[] {
  return TRANSPORTS.map((transport) => ({
    name: `${name}, ${transport}`,
    programs,
    run: run(transport),
  }));
}

const nginx =
  (transport: Transport): WithServer =>
  async (use) => {
    await using backend = await echoServer();
    await using server = await Nginx.start({
      server: proxyTo(backend.port),
      files: { hello: HELLO },
      http2: true,
      ...(await keyOf(transport)),
    });
    await use({
      url: transport === 'tls' ? server.tlsUrl : server.url,
      get connectionCount() {
        return server.connectionCount;
      },
    });
  };

const nghttpd =
  (transport: Transport): WithServer =>
  async (use) => {
    await using server = await Nghttpd.start({
      files: { hello: HELLO },
      ...(await keyOf(transport)),
    });
    await use(server);
  };

const nghttpxToHttp1 =
  (transport: Transport): WithServer =>
  async (use) => {
    await using backend = await echoServer();
    await using server = await Nghttpx.start({
      backendPort: backend.port,
      backendProtocol: 'http/1.1',
      ...(await keyOf(transport)),
    });
    await use(server);
  };

const nghttpxToH2c =
  (transport: Transport): WithServer =>
  async (use) => {
    await using backend = await NodeHttp2Server.start({ onStream });
    await using server = await Nghttpx.start({
      backendPort: backend.port,
      backendProtocol: 'h2',
      ...(await keyOf(transport)),
    });
    await use(server);
  };

const nodeHttp2 =
  (handler: { onStream: StreamHandler } | { onRequest: CompatHandler }) =>
  (transport: Transport): WithServer =>
  async (use) => {
    await using server = await NodeHttp2Server.start({ ...handler, ...(await keyOf(transport)) });
    await use(server);
  };

export const REAL_SERVERS: readonly RealServerKind[] = [
  ...kind('nginx', ['nginx'], nginx),
  ...kind('nghttpd', ['nghttpd'], nghttpd),
  ...kind('nghttpx before HTTP/1.1', ['nghttpx'], nghttpxToHttp1),
  ...kind('nghttpx before HTTP/2', ['nghttpx'], nghttpxToH2c),
  ...kind('node:http2, streams', [], nodeHttp2({ onStream })),
  ...kind('node:http2, compatible', [], nodeHttp2({ onRequest })),
];

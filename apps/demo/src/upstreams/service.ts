/**
 * What the three upstream services share: a plain `node:http` server in a process of its own, which
 * tells its parent the port it listens on. Nothing of Hotaru is in here: to the gateway these are
 * strangers.
 */
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServiceOptions {
  /** How long an idle connection is kept. Node's default is 5 s. */
  keepAliveTimeoutMs?: number;
}

/** `handle` answers; what it throws becomes a 500. */
export function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  options: ServiceOptions = {},
): void {
  const listener: RequestListener = (request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  };
  const server = http.createServer(listener);
  server.keepAliveTimeout = options.keepAliveTimeoutMs ?? 5_000;
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
  // The gateway stopping, or dying, is the end of its services too.
  process.on('disconnect', () => process.exit(0));
  // Ctrl+C reaches the whole process group: the gateway drains first, then disconnects.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

/** A latency as services have them: mostly near the first figure, sometimes towards the second. */
export function latency(usualMs: number, worstMs: number): Promise<void> {
  const ms = usualMs + (worstMs - usualMs) * Math.random() ** 4;
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function sendJson(response: ServerResponse, status: number, data: unknown): void {
  const body = JSON.stringify(data);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** The number at the end of `/prefix/<number>`, if the path has that form. */
export function idIn(request: IncomingMessage, prefix: string): number | undefined {
  const path = request.url ?? '';
  if (!path.startsWith(prefix)) return undefined;
  const id = Number(path.slice(prefix.length));
  return Number.isSafeInteger(id) ? id : undefined;
}

/** What the suites over HTTP/2 share: contenders, origins, and which of them a contender is sent to. */
import type { ClientTarget } from '../contender.js';
import type { Http2Origins, Rig } from '../harness/rig.js';
import type { Bar } from '../harness/suite.js';

/** Ours over HTTP/1.1, to know where that is the better choice: as many connections as others have streams. */
export const OURS_HTTP1 = 'hotaru-h1';
/** Ours first. */
export const HTTP2_PEERS = ['hotaru', 'node-http2', 'node-http2-1m', 'undici-h2', OURS_HTTP1, 'go'];

/** What is asked: nginx's files and fixed answers, a body swallowed, or what node:http2 sends. */
export type Origin = 'nginx' | 'plain' | 'sink' | 'node';

/** For suites that compare ways of doing the same. */
export const HTTP2_READER = {
  contenders: ['hotaru', 'node-http2', 'undici-h2', OURS_HTTP1],
  peer: 'undici-h2',
  async target(contender: string, path: string, streams: number, rig: Rig): Promise<ClientTarget> {
    const target = await http2Target(contender, 'node', streams, rig);
    const port = (await rig.http2()).node.framesPorts[path];
    const isCut = port !== undefined && target.streams !== undefined;
    return isCut ? { ...target, origin: `https://127.0.0.1:${port}` } : target;
  },
};

/** HTTP/2 on one connection, except for ours over HTTP/1.1. */
export async function http2Target(
  contender: string,
  origin: Origin,
  concurrency: number,
  rig: Rig,
): Promise<ClientTarget> {
  const origins = await rig.http2();
  const isHttp1 = contender.startsWith(OURS_HTTP1);
  const port = (isHttp1 ? http1PortOf : http2PortOf)(origin, origins);
  const isPlain = origin === 'plain';
  return {
    origin: `${isPlain ? 'http' : 'https'}://127.0.0.1:${port ?? rig.port}`,
    ca: isPlain ? undefined : rig.ca,
    ...(isHttp1 ? { connections: concurrency } : { connections: 1, streams: concurrency }),
  };
}

function http2PortOf(origin: Origin, { tlsPort, plainPort, sinkPort, node }: Http2Origins): number {
  return { nginx: tlsPort, plain: plainPort, sink: sinkPort, node: node.tlsPort }[origin];
}

/** nghttpd knows no HTTP/1.1, and one port of nginx does without TLS. */
function http1PortOf(origin: Origin, { http1Port, node }: Http2Origins): number | undefined {
  return { nginx: http1Port, plain: undefined, sink: node.http1Port, node: node.http1Port }[origin];
}

/** CPU for each request in one case, ours ÷ each of these. */
export function cpuBars(caseName: string, limits: Readonly<Record<string, number>>): Bar[] {
  return Object.entries(limits).map(([contender, atMost]) => ({
    text: `CPU per request, ${caseName}, ours ÷ ${contender}`,
    value: { figure: 'cpuUs', case: caseName },
    over: { figure: 'cpuUs', case: caseName, contender },
    atMost,
  }));
}

/**
 * Which layers the dials of one key go through, in which order: made once for the key.
 *
 *   DNS (if the host is a name) ──▶ TCP ──▶ hops (a proxy; none today) ──▶ TLS (if the key has an identity)
 *
 * What is spoken on the socket that the last layer gives is settled by dial.ts.
 *
 * Without a hop the TCP layer makes the socket that TLS needs, which reads into the shared buffer.
 */
import { isIP } from 'node:net';
import type { ConnectionKey } from '../../key/connection-key.js';
import type { Http2Setting } from '../../key/offered-protocols.js';
import type { DnsCache } from './dns-cache.js';
import { DnsLayer } from './dns-layer.js';
import type { Layer, Route } from './layer.js';
import { TcpLayer } from './tcp-layer.js';
import { TlsLayer } from './tls-layer.js';
import type { TlsSessions } from './tls-sessions.js';

export interface RouteEnvironment {
  readonly sessions: TlsSessions;
  readonly dns: DnsCache;
  /** The setting of the host, as it is when a handshake begins. */
  readonly http2: () => Http2Setting;
}

export function routeTo(
  key: ConnectionKey,
  { sessions, dns, http2 }: RouteEnvironment,
  hops: readonly Layer[] = [],
): Route {
  const isDirect = hops.length === 0;
  const secure =
    key.tls === false ? undefined : new TlsLayer(key, key.tls, { sessions, http2 }, !isDirect);
  const tcp = new TcpLayer(key, isDirect ? 'buffer' : 'stream', isDirect ? secure : undefined);
  const above = secure === undefined ? hops : [...hops, secure];
  return isIP(key.host) === 0 ? [new DnsLayer(key, dns), tcp, ...above] : [tcp, ...above];
}

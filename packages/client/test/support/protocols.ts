/**
 * One description, two protocols. What a call promises does not depend on what carries it, so its tests run over both:
 *
 *   describe.each(PROTOCOLS)('over %s', (protocol) => {
 *     it('…', async () => {
 *       await using upstream = await startUpstream(protocol);
 *       upstream.onConnection(async (peer) => …);
 *       const pool = new ConnectionPool(configOf(protocol, { maxPerHost: 1 }));
 *
 * A script writes its answers as text of HTTP/1.1, which the h2 origin puts into frames. What it calls a connection is a
 * lane of streams there (h2/lane.ts): both serve one request after the other, and both are gone after an exchange that
 * did not come to its end. So `maxPerHost` of a test counts streams in HTTP/2, all of them on one connection.
 */
import type { TlsOptions } from 'node:tls';
import type { PoolConfigInput } from '@hotaru/client';
import { ScriptedUpstream, type CannedResponse, type ScriptedPeer } from '@hotaru/client/testing';
import { Lanes } from './h2/lanes.js';

export type ProtocolName = 'http/1.1' | 'h2';

/** `h2` joins as soon as all of them pass. */
export const PROTOCOLS: readonly ProtocolName[] = ['http/1.1'];

/** What both have. */
export type PeerRequest = Pick<
  Awaited<ReturnType<ScriptedPeer['readHead']>>,
  'method' | 'target' | 'headers' | 'rawHeaders' | 'body' | 'text' | 'complete'
>;

export interface Peer extends Pick<
  ScriptedPeer,
  | 'index'
  | 'closed'
  | 'bytesReceived'
  | 'isEnded'
  | 'readBytes'
  | 'pauseReading'
  | 'resumeReading'
  | 'write'
  | 'drip'
  | 'respond'
  | 'reply'
  | 'endless'
  | 'end'
  | 'reset'
  | 'endAfter'
  | 'resetAfter'
  | 'stall'
  | 'waitForClose'
> {
  readonly requests: readonly PeerRequest[];
  readHead(): Promise<PeerRequest>;
  readBody(): Promise<PeerRequest>;
  readRequest(): Promise<PeerRequest>;
  incoming(): AsyncGenerator<PeerRequest, void, undefined>;
}

export type Script = (peer: Peer) => unknown;

export interface Upstream
  extends
    AsyncDisposable,
    Pick<
      ScriptedUpstream,
      'url' | 'port' | 'accepted' | 'open' | 'waitForRequests' | 'waitForOpen' | 'close'
    > {
  readonly requests: readonly PeerRequest[];
  readonly connections: readonly Peer[];
  onConnection(script: Script): Upstream;
  onConnection(index: number, script: Script): Upstream;
  script(scripts: readonly Script[]): Upstream;
  respondAlways(response?: CannedResponse | ((request: PeerRequest) => CannedResponse)): Upstream;
  connection(index: number): Promise<Peer>;
}

export async function startUpstream(
  protocol: ProtocolName,
  { script, ...options }: { readonly tls?: TlsOptions; readonly script?: Script } = {},
): Promise<Upstream> {
  const upstream: Upstream =
    protocol === 'h2' ? await Lanes.start(options) : await ScriptedUpstream.start(options);
  return script === undefined ? upstream : upstream.onConnection(script);
}

/** Settings that lead to the protocol, for an upstream with or without TLS. */
export function configOf(protocol: ProtocolName, config: PoolConfigInput = {}): PoolConfigInput {
  if (protocol !== 'h2') return config;
  const { maxPerHost, ...rest } = config;
  const lanes = maxPerHost === undefined ? {} : { maxPerHost: 1, maxStreams: maxPerHost };
  return { http2: 'prior-knowledge', ...rest, ...lanes };
}

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
import {
  ScriptedUpstream,
  turn,
  type CannedResponse,
  type ScriptedPeer,
  type VirtualClock,
} from '@hotaru/client/testing';
import { Lanes } from './h2/lanes.js';

export type ProtocolName = 'http/1.1' | 'h2';

export const PROTOCOLS: readonly ProtocolName[] = ['http/1.1', 'h2'];

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

/**
 * Lets time pass as it does, in pieces: an HTTP/2 connection asks a peer that is silent for a sign of life, and the
 * answer needs real turns of the event loop. When it returns, all PINGs have their answers.
 */
export async function pass(clock: VirtualClock, ms: number, upstream: Upstream): Promise<void> {
  if (!(upstream instanceof Lanes)) {
    clock.advance(ms);
    await turn();
    return;
  }
  for (let left = ms; left > 0; left -= PIECE_MS) {
    clock.advance(Math.min(PIECE_MS, left));
    await turn();
    await upstream.origin.roundTrip();
  }
}
/** Less than the time that such an answer has. */
const PIECE_MS = 4_000;

/** Idle connections once an exchange was cut: a stream ends alone, HTTP/1.1 has to give up its connection. */
export function idleAfterCut(protocol: ProtocolName): number {
  return protocol === 'h2' ? 1 : 0;
}

/** Settings that lead to the protocol, for an upstream with or without TLS. */
export function configOf(protocol: ProtocolName, config: PoolConfigInput = {}): PoolConfigInput {
  if (protocol !== 'h2') return config;
  const { maxPerHost, ...rest } = config;
  const lanes = maxPerHost === undefined ? {} : { maxPerHost: 1, maxStreams: maxPerHost };
  return { http2: 'prior-knowledge', ...rest, ...lanes };
}

/** How a dial goes through its layers, without a peer: each layer does what the test says. */
import { Socket } from 'node:net';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { ConnectError } from '../../errors.js';
import { ConnectionKey } from '../../key/connection-key.js';
import { Counters } from '../../pool/counters.js';
import type { Connection } from '../connection.js';
import { dial } from './dial.js';
import { DnsCache } from './dns-cache.js';
import { DnsLayer } from './dns-layer.js';
import type { DialPhase, Layer, LayerEvents, Reached } from './layer.js';
import { routeTo } from './route.js';
import { TcpLayer } from './tcp-layer.js';
import { TlsLayer } from './tls-layer.js';
import { TlsSessions } from './tls-sessions.js';

const TIMEOUT_MS = 500;
const NOTHING: Reached = { addresses: undefined, socket: undefined };

class FakeLayer implements Layer {
  readonly missing: string;
  readonly unfinished: string;
  readonly closedEarly: string;
  readonly distrusted: string[] = [];
  below: Reached | undefined = undefined;
  events: LayerEvents | undefined = undefined;
  throws: Error | undefined = undefined;

  constructor(readonly phase: DialPhase) {
    this.missing = `no ${phase}`;
    this.unfinished = `${phase} goes on`;
    this.closedEarly = `closed in ${phase}`;
  }

  start(below: Reached, events: LayerEvents): void {
    this.below = below;
    this.events = events;
    if (this.throws !== undefined) throw this.throws;
  }

  distrust(failure: string): void {
    this.distrusted.push(failure);
  }
}

function start(url = 'http://a.test') {
  const dns = new FakeLayer('dns');
  const tcp = new FakeLayer('connect');
  const tls = new FakeLayer('tls');
  const clock = new VirtualClock();
  const connected: Connection[] = [];
  const failures: Error[] = [];
  const key = ConnectionKey.from(url);
  const begin = () =>
    dial(
      key,
      [dns, tcp, tls],
      {
        connected: (connection) => connected.push(connection),
        failed: (error) => failures.push(error),
      },
      {
        clock,
        counters: new Counters(),
        nextId: () => 7,
        random: () => 0.5,
        timeoutMs: TIMEOUT_MS,
        http2: true,
        http2Connection: () => {
          throw new Error('no peer here chooses h2');
        },
      },
    );
  return { dns, tcp, tls, clock, connected, failures, begin };
}

describe('a dial', () => {
  it('starts one layer after the other, each on what the one below has reached', () => {
    const { dns, tcp, tls, clock, connected, begin } = start();
    const dialled = begin();
    expect([dialled.phase, dialled.unfinished, tcp.below]).toEqual([
      'dns',
      'dns goes on',
      undefined,
    ]);
    clock.advance(10);
    const addresses = [{ address: '10.0.0.1', family: 4 }];
    dns.events?.done({ addresses, socket: undefined });
    expect([dialled.phase, tcp.below?.addresses]).toEqual(['connect', addresses]);
    clock.advance(20);
    const socket = new Socket();
    tcp.events?.opened(socket, 'buffer');
    tcp.events?.done({ addresses, socket });
    expect([dialled.phase, tls.below?.socket]).toEqual(['tls', socket]);
    clock.advance(30);
    tls.events?.done({ addresses, socket });
    const [connection] = connected;
    expect(connection?.id).toBe(7);
    expect(connection?.dialTiming).toEqual({ dns: 10, connect: 20, tls: 30 });
    expect(clock.pendingTimers).toBe(0);
    connection?.close();
    expect(socket.destroyed).toBe(true);
  });

  it('has one time limit for all layers, and names the one it ran out in', () => {
    const { dns, tcp, tls, clock, failures, begin } = start();
    begin();
    clock.advance(TIMEOUT_MS - 1);
    dns.events?.done(NOTHING);
    const socket = new Socket();
    tcp.events?.opened(socket, 'buffer');
    clock.advance(1);
    expect(failures).toMatchObject([{ code: 'HOTARU_CONNECT_TIMEOUT', phase: 'connect' }]);
    expect(failures[0]?.message).toContain(`no connect within ${TIMEOUT_MS} ms`);
    expect(socket.destroyed).toBe(true);
    expect([dns.distrusted, tcp.distrusted, tls.distrusted]).toEqual([
      ['timeout'],
      ['timeout'],
      [],
    ]);
  });

  it('tears down the outermost socket, and hears no more of its layers, once it is cancelled', () => {
    const { dns, tcp, clock, connected, failures, begin } = start();
    const dialled = begin();
    dns.events?.done(NOTHING);
    const [inner, outer] = [new Socket(), new Socket()];
    tcp.events?.opened(inner, 'stream');
    tcp.events?.opened(outer, 'stream');
    dialled.cancel();
    expect([inner.destroyed, outer.destroyed]).toEqual([false, true]); // a real one ends what it is around
    tcp.events?.done({ addresses: undefined, socket: outer });
    tcp.events?.failed(new Error('late'));
    expect([connected, failures, clock.pendingTimers]).toEqual([[], [], 0]);
    expect([dns.distrusted, tcp.distrusted]).toEqual([[], []]);
  });

  it('fails once, by what a layer says or its socket, and names the phase', async () => {
    const { dns, tcp, failures, begin } = start();
    begin();
    dns.events?.done(NOTHING);
    const socket = new Socket();
    tcp.events?.opened(socket, 'buffer');
    socket.destroy(new Error('broken'));
    await turn(); // its error, and its close
    tcp.events?.failed(new Error('again'));
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', phase: 'connect' });
    expect(failures[0]?.message).toContain('broken');
  });

  it('does not mind the end of a socket that another one is around', async () => {
    const { dns, tcp, failures, begin } = start();
    begin();
    dns.events?.done(NOTHING);
    const inner = new Socket();
    tcp.events?.opened(inner, 'stream');
    tcp.events?.opened(new Socket(), 'stream');
    inner.destroy(new Error('broken'));
    await turn();
    expect(failures).toEqual([]);
  });

  it('fails by what a layer throws, later as by any answer; its own errors pass as they are', async () => {
    const thrown = start();
    thrown.dns.throws = new Error('bad options');
    thrown.begin();
    expect(thrown.failures).toEqual([]);
    await turn();
    expect(thrown.failures).toMatchObject([{ code: 'HOTARU_CONNECT_FAILED', phase: 'dns' }]);
    expect(thrown.clock.pendingTimers).toBe(0);

    const typed = start();
    typed.begin();
    const error = new ConnectError('HOTARU_BLOCKED_ADDRESS', 'no', { phase: 'connect' });
    typed.dns.events?.failed(error);
    expect(typed.failures).toEqual([error]);
  });
});

describe('the route to a host', () => {
  const dns = new DnsCache(new VirtualClock());
  const env = { sessions: new TlsSessions(), dns, http2: () => true };
  const layers = (target: string, hops: readonly Layer[] = []) =>
    routeTo(ConnectionKey.from(target), env, hops).map((layer) => layer.constructor);

  it('has a look-up for a name, TLS for an identity, and hops between TCP and TLS', () => {
    expect(layers('http://a.test')).toEqual([DnsLayer, TcpLayer]);
    expect(layers('http://10.0.0.1')).toEqual([TcpLayer]);
    expect(layers('https://[::1]')).toEqual([TcpLayer, TlsLayer]);
    const hop = new FakeLayer('connect');
    expect(layers('https://a.test', [hop])).toEqual([DnsLayer, TcpLayer, FakeLayer, TlsLayer]);
    expect(layers('http://a.test', [hop])).toEqual([DnsLayer, TcpLayer, FakeLayer]);
  });
});

describe('the look-up of a name', () => {
  async function lookUp(publicOnly: boolean, resolve: () => Promise<unknown>) {
    const dns = new DnsCache(new VirtualClock(), resolve as never);
    const layer = new DnsLayer({ host: 'a.test', port: 80, publicOnly }, dns);
    const said: unknown[] = [];
    layer.start(NOTHING, {
      opened: () => said.push('opened'),
      received: () => said.push('received'),
      done: ({ addresses }) => said.push(addresses?.map(({ address }) => address)),
      failed: (cause) => said.push(cause),
    });
    expect(said).toEqual([]);
    await turn();
    return said;
  }
  const inside = { address: '10.0.0.1', family: 4 };
  const outside = { address: '93.184.215.14', family: 4 };

  it('gives all addresses, or under the guard the public ones', async () => {
    expect(await lookUp(false, async () => [inside, outside])).toEqual([
      ['10.0.0.1', '93.184.215.14'],
    ]);
    expect(await lookUp(true, async () => [inside, outside])).toEqual([['93.184.215.14']]);
  });

  it('fails where none is public, there is none, or the resolver fails', async () => {
    expect(await lookUp(true, async () => [inside])).toMatchObject([
      { code: 'HOTARU_BLOCKED_ADDRESS' },
    ]);
    expect(await lookUp(false, async () => [])).toMatchObject([{ code: 'ENOTFOUND' }]);
    const error = new Error('no name server');
    expect(await lookUp(false, () => Promise.reject(error))).toEqual([error]);
  });
});

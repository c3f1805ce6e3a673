/**
 * A layer between TCP and TLS, as a proxy will be: here one that sends a greeting and waits for its answer.
 * Whatever goes wrong in it is a typed error, closes the socket and gives the slot back. Real sockets.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { turn, VirtualClock } from '@hotaru/client/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { PoolConfig } from '../src/config/pool-config.js';
import { dial } from '../src/connection/dial/dial.js';
import { DnsCache } from '../src/connection/dial/dns-cache.js';
import type { Layer, LayerEvents, Reached } from '../src/connection/dial/layer.js';
import { routeTo } from '../src/connection/dial/route.js';
import { TlsSessions } from '../src/connection/dial/tls-sessions.js';
import type { Connection } from '../src/connection/connection.js';
import { ConnectError } from '../src/errors.js';
import { ConnectionKey } from '../src/key/connection-key.js';
import type { AcquireOptions } from '../src/lease/lease-request.js';
import type { Lease } from '../src/lease/lease.js';
import { leaseOf } from '../src/lease/leasing.js';
import { Deadlines } from '../src/pool/deadlines.js';
import { HostPool } from '../src/pool/host-pool.js';
import { OriginProtocol } from '../src/pool/origin-protocol.js';
import { Permits } from '../src/pool/permits.js';
import { testCertificates } from './certificates.js';
import { until } from './support/waiting.js';

const CONNECT_TIMEOUT_MS = 2_000;

/** Sends `TO host:port`, and takes `OK`; another answer is a refusal. */
class Greeting implements Layer {
  readonly phase = 'connect';
  readonly missing = 'the gate did not answer';
  readonly unfinished = 'the gate has not answered yet';
  readonly closedEarly = 'the gate closed the connection';
  distrusted: string[] = [];

  constructor(private readonly name: string) {}

  start({ addresses, socket }: Reached, events: LayerEvents): void {
    if (socket === undefined) throw new Error('there is no connection to greet on');
    let text = Buffer.alloc(0);
    const onData = (bytes: Buffer): void => {
      text = Buffer.concat([text, bytes]);
      const end = text.indexOf('\n');
      if (end < 0) return;
      socket.off('data', onData);
      socket.pause();
      const answer = text.toString('latin1', 0, end);
      if (answer !== 'OK') {
        events.failed(new Error(`the gate refused ${this.name}: ${answer}`));
        return;
      }
      if (end + 1 < text.length) socket.unshift(text.subarray(end + 1));
      events.done({ addresses, socket });
    };
    socket.on('data', onData);
    socket.write(`TO ${this.name}\n`);
  }

  distrust(failure: string): void {
    this.distrusted.push(failure);
  }
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A gate, and how the pool dials through it. */
async function through(
  scheme: 'http' | 'https',
  onGreeting: (socket: Socket, greeting: string, origin: Origin) => void,
) {
  const { ca, localhost } = await testCertificates();
  const peers: Socket[] = [];
  const greetings: string[] = [];
  const origin = new Origin(localhost);
  const gate = createServer((socket) => {
    peers.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', (bytes) => {
      greetings.push(bytes.toString());
      onGreeting(socket, bytes.toString(), origin);
    });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const { port } = gate.address() as AddressInfo;
  const tls = scheme === 'https' ? { ca, servername: 'localhost' } : false;
  const key = ConnectionKey.from({ host: 'localhost', port, tls });
  const clock = new VirtualClock();
  const permits = new Permits(10, () => undefined);
  const greeting = new Greeting(key.id);
  const dns = new DnsCache(clock, async () => [{ address: '127.0.0.1', family: 4 }]);
  const route = routeTo(key, { sessions: new TlsSessions(), dns, http2: () => false }, [greeting]);
  const { settings } = PoolConfig.from({
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxDialing: 1, // none beside one that is slow
  });
  const host: HostPool<Connection> = new HostPool<Connection>(key.id, settings, {
    clock,
    permits,
    random: () => 0.5,
    protocol: new OriginProtocol('exclusive'),
    dial: (events) =>
      dial(key, route, events, {
        clock,
        counters: host.counters,
        nextId: () => 0,
        random: () => 0.5,
        timeoutMs: settings.connectTimeout,
        http2: false,
        http2Connection: () => {
          throw new Error('HTTP/2 is not offered');
        },
      }),
  });
  const deadlines = new Deadlines(clock);
  cleanups.push(() => {
    host.close();
    gate.close();
    for (const peer of peers) peer.destroy();
  });
  return {
    key,
    clock,
    host,
    greeting,
    greetings,
    peers,
    acquire: (options: AcquireOptions = { timeout: Infinity }): Promise<Lease> =>
      leaseOf({ clock, deadlines }, () => host, key, host, false, options),
    /** Every socket of the gate is closed, and no slot is taken. */
    async isOver(): Promise<void> {
      await until(() => peers.every(({ destroyed }) => destroyed), 'the sockets are closed');
      expect([permits.used, host.dialingCount, host.liveCount]).toEqual([0, 0, 0]);
    },
  };
}

/** What stands behind the gate: says back what it hears. */
class Origin {
  readonly #server;
  readonly sockets: TLSSocket[] = [];

  constructor(certificate: { key: string; cert: string }) {
    this.#server = createTlsServer({ ...certificate, allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  takes(socket: Socket): void {
    this.#server.emit('connection', socket);
  }
}

async function failure(sent: Promise<unknown>): Promise<ConnectError> {
  const error: unknown = await sent.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

async function echo(lease: Lease, text: string): Promise<string> {
  await lease.write(text);
  let heard = '';
  while (heard.length < text.length) heard += Buffer.from((await lease.read()) ?? '!').toString();
  return heard;
}

describe('a dial through a layer between TCP and TLS', () => {
  it('greets first, then shakes hands, and gives a connection like any other', async () => {
    const gate = await through('https', (socket, _greeting, origin) => {
      socket.write('OK\n');
      origin.takes(socket);
    });
    const lease = await gate.acquire();
    expect(gate.greetings).toEqual([`TO ${gate.key.id}\n`]);
    const { socket } = lease.connection;
    expect(socket).toBeInstanceOf(TLSSocket);
    expect((socket as TLSSocket).authorized).toBe(true);
    expect(lease.connection.remoteAddress).toBe('127.0.0.1');
    expect(await echo(lease, 'ping')).toBe('ping');
    const large = 'x'.repeat(1_048_576);
    expect(await echo(lease, large)).toBe(large);
    expect(lease.release()).toBe(true);
    using again = await gate.acquire();
    expect(await echo(again, 'pong')).toBe('pong');
    expect([gate.peers.length, gate.host.counters.hits]).toEqual([1, 1]);
  });

  it('resumes TLS sessions', async () => {
    const areResumed: boolean[] = [];
    const gate = await through('https', (socket, _greeting, origin) => {
      socket.write('OK\n');
      origin.takes(socket);
    });
    for (let i = 0; i < 2; i += 1) {
      const lease = await gate.acquire();
      await echo(lease, 'ping'); // its ticket comes before that
      areResumed.push((lease.connection.socket as TLSSocket).isSessionReused());
      lease.discard();
    }
    expect(areResumed).toEqual([false, true]);
  });

  it('goes without TLS where the key has none', async () => {
    const gate = await through('http', (socket) => {
      socket.write('OK\n');
      socket.pipe(socket);
    });
    using lease = await gate.acquire();
    expect(lease.connection.socket).not.toBeInstanceOf(TLSSocket);
    expect(await echo(lease, 'ping')).toBe('ping');
  });

  it('loses no byte that came with the answer of the layer', async () => {
    const gate = await through('http', (socket) => socket.write('OK\n220 ready'));
    using lease = await gate.acquire();
    expect(Buffer.from((await lease.read()) ?? '').toString()).toBe('220 ready');
  });

  it('ends an idle connection on which such a byte comes later', async () => {
    const gate = await through('http', (socket) => socket.write('OK\n'));
    const lease = await gate.acquire();
    lease.release();
    gate.peers[0]?.write('unasked');
    await gate.isOver();
    expect(gate.host.counters.poisoned).toBe(1);
  });

  it('notices that the peer has finished sending', async () => {
    const gate = await through('https', (socket, _greeting, origin) => {
      socket.write('OK\n');
      origin.takes(socket);
    });
    using lease = await gate.acquire();
    await until(() => gate.peers.length === 1, 'the gate has a connection');
    lease.connection.socket.end();
    expect(await lease.read()).toBeUndefined();
  });
});

describe.each(['http', 'https'] as const)('over %s, a layer between TCP and TLS', (scheme) => {
  it('that refuses', async () => {
    const gate = await through(scheme, (socket) => socket.write('NO not you\n'));
    const error = await failure(gate.acquire());
    expect(error).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', phase: 'connect' });
    expect(error.message).toContain(`the gate refused ${gate.key.id}: NO not you`);
    expect(gate.greeting.distrusted).toEqual(['error']);
    await gate.isOver();
  });

  it('that never answers is cut off by the time limit of the dial', async () => {
    const gate = await through(scheme, () => undefined);
    const sent = failure(gate.acquire());
    await until(() => gate.greetings.length === 1, 'the gate was greeted');
    gate.clock.advance(CONNECT_TIMEOUT_MS);
    const error = await sent;
    expect(error).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT', phase: 'connect' });
    expect(error.message).toContain(`the gate did not answer within ${CONNECT_TIMEOUT_MS} ms`);
    await gate.isOver();
  });

  it('that never answers holds up no caller that leaves', async () => {
    const gate = await through(scheme, () => undefined);
    const controller = new AbortController();
    const reason = new Error('enough');
    const sent = gate
      .acquire({ timeout: Infinity, signal: controller.signal })
      .catch((e: unknown) => e);
    await until(() => gate.greetings.length === 1, 'the gate was greeted');
    controller.abort(reason);
    expect(await sent).toBe(reason);
    gate.host.drain(); // no caller waits: the dial is given up
    await gate.isOver();
    expect(gate.greeting.distrusted).toEqual([]);
  });

  it('whose own time limit a caller has is named in its error', async () => {
    const gate = await through(scheme, () => undefined);
    const sent = failure(gate.acquire({ timeout: 100 }));
    await until(() => gate.greetings.length === 1, 'the gate was greeted');
    gate.clock.advance(100);
    const { code, message } = await sent;
    expect(code).toBe('HOTARU_CONNECT_TIMEOUT');
    expect(message).toContain('the gate has not answered yet');
    gate.host.close();
    await gate.isOver();
  });

  it.each([
    ['ends', (socket: Socket) => socket.end(), 'the gate closed the connection'],
    ['is reset', (socket: Socket) => socket.resetAndDestroy(), 'the peer reset the connection'],
  ] as const)('whose connection %s', async (_how, cut, words) => {
    const gate = await through(scheme, cut);
    const error = await failure(gate.acquire());
    expect(error).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', phase: 'connect' });
    expect(error.message).toContain(words);
    await gate.isOver();
  });
});

describe('TLS behind such a layer', () => {
  it('fails by bytes that came with the answer and are no TLS', async () => {
    const gate = await through('https', (socket) =>
      socket.write('OK\nHTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    const error = await failure(gate.acquire());
    expect(error).toMatchObject({ code: 'HOTARU_TLS_FAILED', phase: 'tls' });
    expect(error.message).toContain('the peer does not answer with TLS');
    await gate.isOver();
  });

  it('fails by a certificate for another name', async () => {
    const { wrongHost } = await testCertificates();
    const wrong = new Origin(wrongHost);
    const gate = await through('https', (socket) => {
      socket.write('OK\n');
      wrong.takes(socket);
    });
    const error = await failure(gate.acquire());
    expect(error).toMatchObject({ code: 'HOTARU_TLS_FAILED', phase: 'tls' });
    await gate.isOver();
  });

  it.each([
    ['ends', (socket: Socket) => socket.end(), 'closed the connection in the TLS handshake'],
    ['is reset', (socket: Socket) => socket.resetAndDestroy(), 'reset'],
  ] as const)('fails when the connection %s in the handshake', async (_how, cut, words) => {
    const gate = await through('https', (socket) => {
      socket.write('OK\n');
      socket.once('data', () => cut(socket)); // the client's hello
    });
    const error = await failure(gate.acquire());
    expect(error).toMatchObject({ code: 'HOTARU_TLS_FAILED', phase: 'tls' });
    expect(error.message).toContain(words);
    await gate.isOver();
  });

  it('is cut off by the time limit of the dial, and both sockets with it', async () => {
    let hellos = 0;
    const gate = await through('https', (socket) => {
      socket.write('OK\n');
      socket.on('data', () => (hellos += 1));
    });
    const sent = failure(gate.acquire());
    await until(() => hellos === 1, 'the handshake has begun');
    gate.clock.advance(CONNECT_TIMEOUT_MS);
    const error = await sent;
    expect(error).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT', phase: 'tls' });
    expect(error.message).toContain('the TLS handshake was not done within');
    await gate.isOver();
  });

  it('is given up with the pool', async () => {
    let hellos = 0;
    const gate = await through('https', (socket) => {
      socket.write('OK\n');
      socket.on('data', () => (hellos += 1));
    });
    const sent = gate.acquire().catch((error: unknown) => error);
    await until(() => hellos === 1, 'the handshake has begun');
    gate.host.close();
    expect(await sent).toMatchObject({ code: 'HOTARU_POOL_CLOSED' });
    await turn();
    await gate.isOver();
  });
});

/**
 * Dials one TCP or TLS connection: DNS, happy eyeballs, handshake, one time limit over all of it.
 *
 *   dns ──▶ connect ──▶ (tls) ──▶ connected | failed        settles exactly once
 */
import net from 'node:net';
import tls from 'node:tls';
import { uriHost } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { ConnectError, type Phase } from '../../errors.js';
import type { Clock } from '../../pool/clock.js';
import type { DialEvents } from '../../pool/dialer.js';
import type { Dial } from '../../pool/waiter.js';
import { shielded } from '../../config/own-options.js';
import { blockedAddress, isPublicAddress } from './address-guard.js';
import { reasonOf } from './dial-reason.js';
import type { DnsCache } from './dns-cache.js';
import { Http1Connection } from '../http1/http1-connection.js';
import type { Counters } from '../../pool/counters.js';
import type { TlsSessions } from './tls-sessions.js';
import { Transport } from '../transport.js';

export interface DialEnvironment {
  readonly clock: Clock;
  readonly counters: Counters;
  readonly sessions: TlsSessions;
  readonly dns: DnsCache;
  readonly nextId: () => number;
  readonly random: () => number;
  /** ms for DNS, TCP and TLS together. */
  readonly timeoutMs: number;
}

/** One buffer for every socket: a read is handled before the next one starts. */
const READ_BUFFER = Buffer.allocUnsafeSlow(CONSTANTS.readBufferBytes);

/** What a dial that took too long had not got, by its phase. */
const UNFINISHED: Partial<Record<Phase, string>> = {
  dns: 'the host name was not resolved',
  connect: 'no TCP connection',
  tls: 'the TLS handshake was not done',
};

export function dial(
  key: ConnectionKey,
  events: DialEvents<Http1Connection>,
  env: DialEnvironment,
): Dial {
  return new SocketDial(key, events, env);
}

class SocketDial implements Dial {
  readonly #key: ConnectionKey;
  readonly #events: DialEvents<Http1Connection>;
  readonly #env: DialEnvironment;
  readonly #socket: net.Socket | undefined;
  readonly #startedAtMs: number;
  readonly #timer: unknown;
  #dnsMs = 0;
  #connectedAtMs = 0;
  #phase: Phase;
  #transport: Transport | undefined = undefined;
  #isSettled = false;

  constructor(key: ConnectionKey, events: DialEvents<Http1Connection>, env: DialEnvironment) {
    this.#key = key;
    this.#events = events;
    this.#env = env;
    this.#startedAtMs = env.clock.now();
    this.#phase = net.isIP(key.host) === 0 ? 'dns' : 'connect';
    this.#timer =
      env.timeoutMs === Infinity
        ? undefined
        : env.clock.setTimer(() => this.#timedOut(), env.timeoutMs);
    if (key.publicOnly && net.isIP(key.host) !== 0 && !isPublicAddress(key.host)) {
      queueMicrotask(() => this.#blocked(key.host));
      return;
    }
    this.#socket = this.#open();
    this.#listen(this.#socket);
  }

  get phase(): Phase {
    return this.#phase;
  }

  get unfinished(): string {
    const { host, port } = this.#key;
    const peer = `${uriHost(host)}:${port}`;
    switch (this.#phase) {
      case 'dns':
        return `the host name ${host} is still being looked up`;
      case 'tls':
        return `the TCP connection to ${peer} stands, but the TLS handshake is not done`;
      default:
        return `the TCP connection to ${peer} is still being set up`;
    }
  }

  cancel(): void {
    this.#settle();
    this.#socket?.destroy();
  }

  #open(): net.Socket {
    const { host, port } = this.#key;
    const options = {
      host,
      port,
      // A peer may half-close: whether that ends a body or cuts it is the protocol's to say.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: CONSTANTS.keepAliveProbeMs,
      autoSelectFamily: true,
      lookup: this.#key.publicOnly ? this.#guardedLookup : this.#env.dns.lookup,
      onread: {
        buffer: READ_BUFFER,
        callback: (length: number, buffer: Uint8Array): boolean => {
          const bytes = buffer.length === length ? buffer : buffer.subarray(0, length);
          this.#transport?.received(bytes as Buffer);
          return true;
        },
      },
    };
    const identity = this.#key.tls;
    if (identity === false) return net.connect(shielded(options));
    const session = this.#env.sessions.get(this.#key.id);
    const secure: tls.ConnectionOptions = {
      ...options,
      secureContext: identity.context,
      servername: identity.sni,
      ...(identity.alpn.length > 0 && { ALPNProtocols: [...identity.alpn] }),
      rejectUnauthorized: identity.rejectUnauthorized,
      // With an IP address or a name of its own, the certificate is checked against that name.
      checkServerIdentity: (_host, certificate) =>
        tls.checkServerIdentity(identity.servername, certificate),
      ...(session !== undefined && { session }),
    };
    return tls.connect(shielded(secure));
  }

  /** Of the addresses of a name, only the public ones are tried. */
  readonly #guardedLookup: net.LookupFunction = (host, options, callback) => {
    this.#env.dns.lookup(host, { ...options, all: true }, (error, found) => {
      const all = typeof found === 'string' ? [] : found;
      const open = all.filter(({ address }) => isPublicAddress(address));
      const [first] = open;
      if (error !== null) callback(error, '', 0);
      else if (first === undefined) callback(blockedAddress(host, all[0]?.address ?? '?'), '', 0);
      else if (options.all === true) callback(null, open, 0);
      else callback(null, first.address, first.family);
    });
  };

  #blocked(address: string): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#socket?.destroy();
    this.#events.failed(blockedAddress(this.#key.host, address));
  }

  #listen(socket: net.Socket): void {
    socket.on('lookup', (error: Error | null) => {
      if (error !== null) return;
      if (this.#dnsMs === 0) this.#dnsMs = this.#env.clock.now() - this.#startedAtMs;
      this.#phase = 'connect';
    });
    socket.on('connect', () => {
      this.#connectedAtMs = this.#env.clock.now();
      // Said again: `tls.connect()` takes neither option (node#62003), and a head whose body follows in a
      // second write would wait for the peer's delayed ACK.
      if (this.#key.tls !== false) {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, CONSTANTS.keepAliveProbeMs);
      }
      // The last word is the address that was connected to, however it was found.
      const address = socket.remoteAddress ?? '';
      if (this.#key.publicOnly && !isPublicAddress(address)) {
        this.#blocked(address);
        return;
      }
      if (this.#key.tls === false) this.#connected(socket);
      else this.#phase = 'tls';
    });
    if (this.#key.tls !== false) {
      socket.on('secureConnect', () => this.#connected(socket));
      socket.on('session', (session: Buffer) => this.#env.sessions.set(this.#key.id, session));
    }
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#transport === undefined) this.#failed(error);
      else this.#transport.errored(error);
    });
    socket.on('end', () => {
      if (this.#transport === undefined) this.#failed(new Error(this.#closedEarly));
      else this.#transport.ended();
    });
    socket.on('close', () => {
      if (this.#transport === undefined) this.#failed(new Error(this.#closedEarly));
      else this.#transport.socketClosed();
    });
    socket.on('drain', () => this.#transport?.drained());
  }

  #connected(socket: net.Socket): void {
    if (this.#isSettled) return;
    this.#settle();
    const { clock, counters } = this.#env;
    const now = clock.now();
    const connectMs = this.#connectedAtMs - this.#startedAtMs - this.#dnsMs;
    const tlsMs = this.#key.tls === false ? 0 : now - this.#connectedAtMs;
    const transport = new Transport(this.#key, socket, clock, counters);
    this.#transport = transport;
    keepReadingAfterWriteError(socket, transport);
    this.#events.connected(
      new Http1Connection(transport, {
        id: this.#env.nextId(),
        random: this.#env.random(),
        dialTiming: { dns: this.#dnsMs, connect: connectMs, tls: tlsMs },
      }),
    );
  }

  get #closedEarly(): string {
    return this.#phase === 'tls'
      ? 'the peer closed the connection in the TLS handshake'
      : 'the peer closed the connection';
  }

  #failed(cause: NodeJS.ErrnoException): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#socket?.destroy();
    this.#env.dns.forget(this.#key.host);
    if (cause instanceof ConnectError) {
      this.#events.failed(cause); // the guard's own
      return;
    }
    if (this.#phase === 'tls') this.#env.sessions.delete(this.#key.id);
    const code = this.#phase === 'tls' ? 'HOTARU_TLS_FAILED' : 'HOTARU_CONNECT_FAILED';
    const { tls: identity, host } = this.#key;
    const checkedName = this.#phase === 'tls' && identity !== false ? identity.servername : host;
    const reason = reasonOf(cause, checkedName);
    this.#events.failed(new ConnectError(code, reason, { cause, phase: this.#phase }));
  }

  #timedOut(): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#socket?.destroy();
    this.#env.dns.forget(this.#key.host);
    this.#events.failed(
      new ConnectError(
        'HOTARU_CONNECT_TIMEOUT',
        `${UNFINISHED[this.#phase] ?? 'no connection'} within ${this.#env.timeoutMs} ms`,
        { phase: this.#phase },
      ),
    );
  }

  #settle(): void {
    this.#isSettled = true;
    if (this.#timer !== undefined) this.#env.clock.clearTimer(this.#timer);
  }
}

/**
 * Node destroys a socket whose write failed, and with it an answer that has arrived already, such as
 * the 413 of a server that closed in the middle of an upload (nodejs/help#2034). The one hook is the
 * socket's own `destroy`.
 */
function keepReadingAfterWriteError(socket: net.Socket, transport: Transport): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    if (error?.syscall === 'write' && transport.keepsReading(error)) return socket;
    return destroy(error);
  };
}

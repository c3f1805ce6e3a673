/**
 * The TLS handshake: over the socket that was made for it and has opened its own TCP connection (tcp-layer.ts),
 * or around one that leads through a hop. Identity and certificate are checked here; session tickets are kept.
 */
import type { Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { uriHost } from '@hotaru/wire';
import { shielded } from '../../config/own-options.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { offeredBy, type Http2Setting } from '../../key/offered-protocols.js';
import type { TlsIdentity } from '../../key/tls-identity.js';
import type { Layer, LayerEvents, Reached } from './layer.js';
import type { TlsSessions } from './tls-sessions.js';

export interface TlsEnvironment {
  readonly sessions: TlsSessions;
  readonly http2: () => Http2Setting;
}

export class TlsLayer implements Layer {
  readonly phase = 'tls';
  readonly missing = 'the TLS handshake was not done';
  readonly closedEarly = 'the peer closed the connection in the TLS handshake';
  readonly unfinished: string;
  readonly #key: ConnectionKey;
  readonly #identity: TlsIdentity;
  readonly #sessions: TlsSessions;
  readonly #http2: () => Http2Setting;
  readonly #isAroundSocket: boolean;

  constructor(
    key: ConnectionKey,
    identity: TlsIdentity,
    { sessions, http2 }: TlsEnvironment,
    isAroundSocket: boolean,
  ) {
    this.#key = key;
    this.#identity = identity;
    this.#sessions = sessions;
    this.#http2 = http2;
    this.#isAroundSocket = isAroundSocket;
    this.unfinished = `the TCP connection to ${uriHost(key.host)}:${key.port} stands, but the TLS handshake is not done`;
  }

  start({ addresses, socket: below }: Reached, events: LayerEvents): void {
    if (below === undefined) throw new Error('TLS needs a connection below it');
    const socket = this.#isAroundSocket ? this.#around(below, events) : below;
    socket.on('session', (session: Buffer) => this.#sessions.set(this.#key.id, session));
    socket.once('secureConnect', () => events.done({ addresses, socket }));
  }

  #around(below: Socket, events: LayerEvents): Socket {
    const socket = tls.connect(shielded({ ...this.options(), socket: below }));
    events.opened(socket, 'stream');
    return socket;
  }

  /** Of one handshake. */
  options(): ConnectionOptions {
    const { context, sni, rejectUnauthorized, servername } = this.#identity;
    const session = this.#sessions.get(this.#key.id);
    const alpn = offeredBy(this.#key, this.#http2());
    return {
      secureContext: context,
      servername: sni,
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
      rejectUnauthorized,
      // With an IP address or a name of its own, the certificate is checked against that name.
      checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(servername, certificate),
      ...(session !== undefined && { session }),
    };
  }

  /** The peer may have refused the ticket. */
  distrust(failure: 'error' | 'timeout'): void {
    if (failure === 'error') this.#sessions.delete(this.#key.id);
  }
}

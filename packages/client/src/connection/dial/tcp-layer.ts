/**
 * From addresses to a TCP connection: Node's happy eyeballs (RFC 8305), and the SSRF guard on the address that was
 * connected to, however it was found (docs/rules.md, rule 16).
 *
 * Where TLS follows at once, the socket is made as a TLS socket that opens its own TCP connection: only then does
 * Node read what was decrypted into our shared buffer. The handshake is the TLS layer's all the same.
 */
import net, { type Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { uriHost } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import { shielded } from '../../config/own-options.js';
import { blockedAddress, isPublicAddress } from './address-guard.js';
import type { DialTarget, Layer, LayerEvents, Reached, Reading } from './layer.js';

/** One buffer for every socket: a read is handled before the next one starts. */
const READ_BUFFER = Buffer.allocUnsafeSlow(CONSTANTS.readBufferBytes);

/** The layer that follows at once, if that is TLS. */
export interface TlsAbove {
  options(): ConnectionOptions;
}

export class TcpLayer implements Layer {
  readonly phase = 'connect';
  readonly missing = 'no TCP connection';
  readonly closedEarly = 'the peer closed the connection';
  readonly unfinished: string;
  readonly #target: DialTarget;
  readonly #reading: Reading;
  readonly #tlsAbove: TlsAbove | undefined;

  constructor(target: DialTarget, reading: Reading, tlsAbove: TlsAbove | undefined) {
    this.#target = target;
    this.#reading = reading;
    this.#tlsAbove = tlsAbove;
    this.unfinished = `the TCP connection to ${uriHost(target.host)}:${target.port} is still being set up`;
  }

  start(below: Reached, events: LayerEvents): void {
    const { host, publicOnly } = this.#target;
    if (publicOnly && net.isIP(host) !== 0 && !isPublicAddress(host)) {
      queueMicrotask(() => events.failed(blockedAddress(host, host)));
      return;
    }
    const socket = this.#open(below, events);
    events.opened(socket, this.#reading);
    socket.once('connect', () => {
      // Said again: `tls.connect()` takes neither option (node#62003), and a head whose body follows in a
      // second write would wait for the peer's delayed ACK.
      if (this.#tlsAbove !== undefined) {
        socket.setNoDelay(true);
        socket.setKeepAlive(true, CONSTANTS.keepAliveProbeMs);
      }
      // The last word is the address that was connected to, however it was found.
      const address = socket.remoteAddress ?? '';
      if (publicOnly && !isPublicAddress(address)) events.failed(blockedAddress(host, address));
      else events.done({ addresses: below.addresses, socket });
    });
  }

  #open({ addresses }: Reached, events: LayerEvents): Socket {
    const { host, port } = this.#target;
    const options = {
      host,
      port,
      // A peer may half-close: whether that ends a body or cuts it is the protocol's to say.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: CONSTANTS.keepAliveProbeMs,
      autoSelectFamily: true,
      ...(addresses !== undefined && { lookup: lookupOf([...addresses]) }),
      ...(this.#reading === 'buffer' && { onread: readingFor(events) }),
    };
    return this.#tlsAbove === undefined
      ? net.connect(shielded(options))
      : tls.connect(shielded({ ...options, ...this.#tlsAbove.options() }));
  }
}

/**
 * The answer is there already, but comes later, as from any resolver: where the kernel refuses an address at once
 * (no network), the socket would be destroyed before `tls.connect()` has set it up, and before it is watched.
 */
function lookupOf(addresses: { address: string; family: number }[]): net.LookupFunction {
  return (_host, options, callback) => {
    process.nextTick(() => {
      const [first] = addresses;
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function readingFor(events: LayerEvents): net.OnReadOpts {
  return {
    buffer: READ_BUFFER,
    callback: (length: number, buffer: Uint8Array): boolean => {
      const bytes = buffer.length === length ? buffer : buffer.subarray(0, length);
      events.received(bytes as Buffer);
      return true;
    },
  };
}

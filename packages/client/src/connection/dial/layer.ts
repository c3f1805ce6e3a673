/**
 * The shape of one layer of a dial: the look-up of a name, TCP, a hop through a proxy, TLS. Each builds on what
 * the layers below it have reached, and ends once: done, or failed.
 *
 * A layer is made once for a key, and started for each dial: it keeps no state of a dial. The order of the layers
 * is in route.ts. The time limit, giving up, and watching the sockets for errors and ends are the same for all of
 * them, and are left to dial.ts: a layer waits for its own success and nothing else.
 */
import type { LookupAddress } from 'node:dns';
import type { Socket } from 'node:net';

/** Where a dial stands. A hop counts as `connect`. */
export type DialPhase = 'dns' | 'connect' | 'tls';

/** Where a layer dials to. */
export interface DialTarget {
  /** A name or an IP address. */
  readonly host: string;
  readonly port: number;
  /** Under the SSRF guard: only public addresses. */
  readonly publicOnly: boolean;
}

/** How far a dial has come. */
export interface Reached {
  /** Of the host, in the order in which they are tried; undefined where it is an address itself. */
  readonly addresses: readonly LookupAddress[] | undefined;
  readonly socket: Socket | undefined;
}

/**
 * How bytes leave a socket. `buffer`: into the shared buffer, without an allocation; only a socket that opens its
 * own TCP connection can. `stream`: as `data` events, which a layer above may pause, and put back with `unshift()`.
 */
export type Reading = 'buffer' | 'stream';

/** What a layer tells its dial. Nothing of it before `start()` returns, but `opened()`. */
export interface LayerEvents {
  /**
   * A socket that this layer has made, perhaps around the one below. It is watched from now on, and it alone is
   * destroyed when the dial fails or is given up: one made around another ends that one, too.
   */
  opened(socket: Socket, reading: Reading): void;
  /** For a socket that reads into the shared buffer: `bytes` is a view, good until this returns. */
  received(bytes: Buffer): void;
  done(reached: Reached): void;
  /** A `ConnectError` is passed on as it is; of any other error the dial makes one that names the phase. */
  failed(cause: unknown): void;
}

/** The layers of a dial, the lowest first. */
export type Route = readonly [Layer, ...Layer[]];

export interface Layer {
  readonly phase: DialPhase;
  /** What a dial that took too long in this layer had not got. */
  readonly missing: string;
  /** The same, of a dial that still goes on: a sentence. */
  readonly unfinished: string;
  /** What it means that the peer ends the connection in this layer. */
  readonly closedEarly: string;
  /** To throw is to fail. */
  start(below: Reached, events: LayerEvents): void;
  /** The dial failed in this layer, or after it: what it relied on may be wrong by now. */
  distrust?(failure: 'error' | 'timeout'): void;
}

/**
 * What both floors are: fixed bytes written, answers told apart by counting. The first answer to each kind of
 * request says how long the next ones are. Heads are taken to come in one piece, as they do on loopback.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { BenchClient, ClientTarget, Take } from '../contender.js';

/** One kind of request, and what its answers look like once one was seen. */
interface Kind {
  readonly request: string;
  readonly take?: Take;
  head: number;
  total: number;
}

/** Handed to `net.connect` or `tls.connect` as it is. */
export interface LaneOptions {
  host: string;
  port: number;
  noDelay: true;
  onread: { buffer: Uint8Array; callback(length: number): boolean };
}

class Lane {
  socket!: Socket;
  #kind: Kind | undefined;
  #got = 0;
  #taking: Promise<void> | undefined;
  #resolve!: () => void;
  #reject!: (reason: unknown) => void;
  readonly #free: Lane[];

  constructor(free: Lane[]) {
    this.#free = free;
  }

  exchange(kind: Kind): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#kind = kind;
      this.#got = 0;
      this.#resolve = resolve;
      this.#reject = reject;
      this.socket.write(kind.request);
    });
  }

  fail(reason: unknown): void {
    this.socket.destroy();
    if (this.#kind !== undefined) this.#reject(reason);
  }

  /** False pauses the socket. */
  onBytes(length: number, buffer: Uint8Array): boolean {
    const kind = this.#kind;
    if (kind === undefined) return true;
    let start = 0;
    if (this.#got === 0) {
      if (kind.total === 0 && !measure(kind, buffer.subarray(0, Math.min(length, 4_096)))) {
        this.fail(new Error('not an answer a floor can count'));
        return true;
      }
      start = kind.head;
    }
    this.#got += length;
    if (kind.take !== undefined) return this.#hand(kind, kind.take, buffer.subarray(start, length));
    this.#finishIfWhole(kind);
    return true;
  }

  /** A paused socket may still bring what TLS has decrypted: that waits its turn. */
  #hand(kind: Kind, take: Take, piece: Uint8Array): boolean {
    let wait;
    if (this.#taking === undefined) wait = take(piece);
    else {
      const copy = Buffer.from(piece);
      wait = this.#taking.then(() => take(copy));
    }
    if (wait === undefined) {
      this.#finishIfWhole(kind);
      return true;
    }
    const taking = wait.then(
      () => {
        if (this.#taking !== taking) return;
        this.#taking = undefined;
        this.#finishIfWhole(kind);
        this.socket.resume();
      },
      (reason: unknown) => this.fail(reason),
    );
    this.#taking = taking;
    return false;
  }

  #finishIfWhole(kind: Kind): void {
    if (this.#got < kind.total) return;
    this.#kind = undefined;
    this.#free.push(this);
    this.#resolve();
  }
}

function measure(kind: Kind, start: Uint8Array): boolean {
  const text = Buffer.from(start).toString('latin1');
  const head = text.indexOf('\r\n\r\n') + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1];
  if (head < 4 || length === undefined || !text.startsWith('HTTP/1.1 2')) return false;
  kind.head = head;
  kind.total = head + Number(length);
  return true;
}

/** The lanes to one origin. */
class Lanes {
  readonly #free: Lane[] = [];
  readonly #all: Lane[] = [];
  readonly #url: URL;
  readonly #connect: (options: LaneOptions) => Socket;
  readonly #connectedEvent: string;

  constructor(origin: string, connect: (options: LaneOptions) => Socket, connectedEvent: string) {
    this.#url = new URL(origin);
    this.#connect = connect;
    this.#connectedEvent = connectedEvent;
  }

  async open(): Promise<void> {
    const lane = new Lane(this.#free);
    const { hostname: host, port } = this.#url;
    const onread = { buffer: BUFFER, callback: (length: number) => lane.onBytes(length, BUFFER) };
    lane.socket = this.#connect({ host, port: Number(port), noDelay: true, onread });
    await once(lane.socket, this.#connectedEvent);
    lane.socket.on('error', (error) => lane.fail(error));
    lane.socket.on('close', () => lane.fail(new Error('the connection closed')));
    this.#free.push(lane);
    this.#all.push(lane);
  }

  exchange(kind: Kind): Promise<void> {
    const lane = this.#free.pop();
    return lane === undefined ? this.open().then(() => this.exchange(kind)) : lane.exchange(kind);
  }

  kindOf(method: 'GET' | 'POST', path: string, json = '', take?: Take): Kind {
    const fields =
      method === 'GET'
        ? ''
        : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n`;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\n${fields}\r\n`;
    return { request: head + json, head: 0, total: 0, ...(take !== undefined && { take }) };
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy();
  }
}

/** For all of them: a piece is whole until the next one comes, on any lane. */
const BUFFER = Buffer.allocUnsafeSlow(65_536);

export async function startLanes(
  { origin, connections }: ClientTarget,
  connect: (options: LaneOptions) => Socket,
  connectedEvent: string,
): Promise<BenchClient> {
  const lanes = new Lanes(origin, connect, connectedEvent);
  // Some at a time, so that the line of connections to accept does not overflow.
  for (let opened = 0; opened < connections; opened += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, connections - opened) }, () => lanes.open()),
    );
  const gets = new Map<string, Kind>();
  const posts = new Map<string, { json: string; kind: Kind }>();
  const others = new Map<string, { lanes: Lanes; kind: Kind }>();
  return {
    async get(path) {
      let kind = gets.get(path);
      if (kind === undefined) gets.set(path, (kind = lanes.kindOf('GET', path)));
      await lanes.exchange(kind);
      return '';
    },
    async getFrom(url) {
      let other = others.get(url);
      if (other === undefined) {
        const { origin: host, pathname } = new URL(url);
        const own = new Lanes(host, connect, connectedEvent);
        others.set(url, (other = { lanes: own, kind: own.kindOf('GET', pathname) }));
      }
      await other.lanes.exchange(other.kind);
      return '';
    },
    async post(path, json) {
      let known = posts.get(path);
      if (known?.json !== json)
        posts.set(path, (known = { json, kind: lanes.kindOf('POST', path, json) }));
      await lanes.exchange(known.kind);
      return '';
    },
    download: async (path, take) => lanes.exchange(lanes.kindOf('GET', path, '', take)),
    close() {
      lanes.close();
      for (const other of others.values()) other.lanes.close();
    },
  };
}

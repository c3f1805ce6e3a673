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

export async function startLanes(
  { origin, connections }: ClientTarget,
  connect: (options: LaneOptions) => Socket,
  connectedEvent: string,
): Promise<BenchClient> {
  const { hostname, port, host } = new URL(origin);
  const buffer = Buffer.allocUnsafeSlow(65_536); // for all: a piece is whole until the next one comes on any lane
  const free: Lane[] = [];
  const open = async (): Promise<void> => {
    const lane = new Lane(free);
    const callback = (length: number): boolean => lane.onBytes(length, buffer);
    const onread = { buffer, callback };
    lane.socket = connect({ host: hostname, port: Number(port), noDelay: true, onread });
    await once(lane.socket, connectedEvent);
    lane.socket.on('error', (error) => lane.fail(error));
    lane.socket.on('close', () => lane.fail(new Error('the connection closed')));
    free.push(lane);
  };
  // Some at a time, so that the line of connections to accept does not overflow.
  while (free.length < connections)
    await Promise.all(Array.from({ length: Math.min(50, connections - free.length) }, open));
  const lanes = [...free];

  const exchange = (kind: Kind): Promise<void> => {
    const lane = free.pop();
    if (lane === undefined) throw new Error('more in flight than connections');
    return lane.exchange(kind);
  };
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
  const gets = new Map<string, Kind>();
  const posts = new Map<string, Kind & { json: string }>();
  return {
    async get(path) {
      let kind = gets.get(path);
      if (kind === undefined) gets.set(path, (kind = { request: get(path), head: 0, total: 0 }));
      await exchange(kind);
      return '';
    },
    async post(path, json) {
      let kind = posts.get(path);
      if (kind?.json !== json) {
        const fields = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}`;
        const request = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n\r\n${json}`;
        posts.set(path, (kind = { json, request, head: 0, total: 0 }));
      }
      await exchange(kind);
      return '';
    },
    download: async (path, take) => exchange({ request: get(path), take, head: 0, total: 0 }),
    close: () => lanes.forEach(({ socket }) => socket.destroy()),
  };
}

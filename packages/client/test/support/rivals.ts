/**
 * The same bytes to three clients, one raw origin: ours by its public API, undici's `request` and
 * `node:http`, both of which read with llhttp. What each made of it is put into one form.
 */
import http from 'node:http';
import net from 'node:net';
import { ConnectionPool, HotaruClientError } from '@hotaru/client';
import { turn } from '@hotaru/client/testing';
import { Client } from 'undici';

export type RivalName = 'undici' | 'node:http';
export type ClientName = 'hotaru' | RivalName;

/** What a client said of a response. */
export type Told =
  | {
      readonly informational: readonly number[];
      readonly status: number;
      /** `name: value`, names in lower case, sorted: repeats come in the order each client likes. */
      readonly fields: readonly string[];
      readonly body: string;
      readonly trailers: readonly string[];
    }
  | { readonly error: string };

export interface Observed {
  readonly told: Told;
  /** It had not settled when all bytes had been read: only the end of the connection settled it. */
  readonly waited: boolean;
  /** The connection served the next request. */
  readonly reused: boolean;
  /** What answered the next request: its own answer, bytes that were none, or nothing. */
  readonly next: 'own' | 'foreign' | 'error';
}

/** Turns in which a client may still settle by itself once it has got every byte. */
const PATIENCE_TURNS = 40;
/** A hang is told from patience by this; nothing here waits for it. */
const HANG_GUARD_MS = 5_000;
const NEXT_BODY = 'next';

interface Sender {
  send(method: string, path: string): Promise<Told>;
  close(): unknown;
}

const SENDERS: Readonly<Record<ClientName, (url: string) => Sender>> = {
  hotaru: (url) => {
    const pool = new ConnectionPool();
    return {
      send: (method, path) => sendWithHotaru(pool, url, method, path),
      close: () => pool.close(),
    };
  },
  undici: (url) => {
    const client = new Client(url);
    return {
      send: (method, path) => sendWithUndici(client, method, path),
      close: () => client.destroy(),
    };
  },
  'node:http': (url) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    return {
      send: (method, path) => sendWithNode(agent, url, method, path),
      close: () => agent.destroy(),
    };
  },
};

/** What is sent for one request, and where. */
class Trial {
  readonly pieces: readonly Buffer[];
  socket: net.Socket | undefined = undefined;
  #sent!: () => void;
  readonly sent = new Promise<void>((resolve) => (this.#sent = resolve));

  constructor(pieces: readonly Buffer[]) {
    this.pieces = pieces;
  }

  async answer(socket: net.Socket): Promise<void> {
    this.socket = socket;
    for (const piece of this.pieces) {
      socket.write(piece);
      await turn();
    }
    this.#sent();
  }
}

/** Sends what it is told to, cut as it is told to, and answers every other request as it should. */
export class RawOrigin {
  readonly #server = net.createServer({ noDelay: true }, (socket) => this.#serve(socket));
  readonly #trials = new Map<string, Trial>();
  readonly #numbers = new Map<net.Socket, number>();
  #trialCount = 0;
  url = '';

  static async start(): Promise<RawOrigin> {
    const origin = new RawOrigin();
    await new Promise<void>((resolve) => origin.#server.listen(0, '127.0.0.1', resolve));
    origin.url = `http://127.0.0.1:${(origin.#server.address() as net.AddressInfo).port}`;
    return origin;
  }

  async close(): Promise<void> {
    for (const socket of this.#numbers.keys()) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** One response to one client, and one request after it. */
  async observe(client: ClientName, method: string, pieces: readonly Buffer[]): Promise<Observed> {
    const trial = new Trial(pieces);
    const path = `/case/${(this.#trialCount += 1)}`;
    this.#trials.set(path, trial);
    const sender = SENDERS[client](this.url);
    try {
      const state = { isSettled: false };
      const answer = guarded(sender.send(method, path).finally(() => (state.isSettled = true)));
      await trial.sent;
      for (let left = PATIENCE_TURNS; left > 0 && !state.isSettled; left -= 1) await turn();
      const waited = !state.isSettled;
      if (waited) trial.socket?.end();
      const told = await answer;
      await turn();
      return { told, waited, ...(await this.#observeNext(sender, trial)) };
    } finally {
      await sender.close();
      this.#trials.delete(path);
      trial.socket?.destroy();
    }
  }

  async #observeNext(sender: Sender, trial: Trial): Promise<Pick<Observed, 'reused' | 'next'>> {
    const next = await guarded(sender.send('GET', '/next'));
    if ('error' in next) return { next: 'error', reused: false };
    const isOwn =
      next.body === NEXT_BODY && next.fields.some((field) => field.startsWith('x-on: '));
    const number = trial.socket === undefined ? undefined : this.#numbers.get(trial.socket);
    const reused = next.fields.includes(`x-on: ${number}`);
    return { next: isOwn ? 'own' : 'foreign', reused };
  }

  #serve(socket: net.Socket): void {
    const number = this.#numbers.size + 1;
    this.#numbers.set(socket, number);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end !== -1; end = received.indexOf('\r\n\r\n')) {
        const path = received.split(' ', 2)[1] ?? '';
        received = received.slice(end + 4);
        const trial = this.#trials.get(path);
        if (trial !== undefined) void trial.answer(socket);
        else
          socket.write(
            `HTTP/1.1 200 OK\r\nContent-Length: ${NEXT_BODY.length}\r\nX-On: ${number}\r\n\r\n${NEXT_BODY}`,
          );
      }
    });
  }
}

async function sendWithHotaru(
  pool: ConnectionPool,
  url: string,
  method: string,
  path: string,
): Promise<Told> {
  const informational: number[] = [];
  try {
    const response = await pool.sendRequest(
      url,
      { method, path },
      { onInformational: (status) => informational.push(status) },
    );
    const body = Buffer.from(await response.bytes()).toString('latin1');
    return {
      informational,
      status: response.status,
      fields: lines([...response.headers]),
      body,
      trailers: lines([...(await response.trailers)]),
    };
  } catch (error) {
    if (!(error instanceof HotaruClientError)) throw error;
    return { error: `${error.code}: ${error.message}` };
  }
}

async function sendWithUndici(client: Client, method: string, path: string): Promise<Told> {
  const informational: number[] = [];
  try {
    const { statusCode, headers, body, trailers } = await client.request({
      method,
      path,
      responseHeaders: 'raw',
      onInfo: (info) => informational.push(info.statusCode),
    });
    const bytes = Buffer.from(await body.arrayBuffer());
    return {
      informational,
      status: statusCode,
      fields: lines(pairs(headers as unknown as string[])),
      body: bytes.toString('latin1'),
      trailers: lines(Object.entries(trailers).flatMap(([name, value]) => flat(name, value))),
    };
  } catch (error) {
    return { error: describe(error) };
  }
}

function sendWithNode(agent: http.Agent, url: string, method: string, path: string): Promise<Told> {
  return new Promise((resolve) => {
    const informational: number[] = [];
    const fail = (error: unknown) => resolve({ error: describe(error) });
    const request = http.request(`${url}${path}`, { agent, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('close', () => fail(new Error('closed before its end')));
      response.on('end', () => {
        if (!response.complete) return;
        resolve({
          informational,
          status: response.statusCode ?? 0,
          fields: lines(pairs(response.rawHeaders)),
          body: Buffer.concat(chunks).toString('latin1'),
          trailers: lines(pairs(response.rawTrailers)),
        });
      });
    });
    request.on('information', (info) => informational.push(info.statusCode));
    request.on('error', fail);
    request.on('close', () => {
      if (request.destroyed) fail(new Error('closed without a response'));
    });
    request.end();
  });
}

function lines(fields: readonly (readonly [string, string])[]): string[] {
  return fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
}

function pairs(flatList: readonly string[]): [string, string][] {
  return Array.from({ length: flatList.length / 2 }, (_, i) => [
    flatList[2 * i] ?? '',
    flatList[2 * i + 1] ?? '',
  ]);
}

function flat(name: string, value: string | string[] | undefined): [string, string][] {
  return [value ?? []].flat().map((one) => [name, one]);
}

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${code ?? ''}: ${message}`;
}

async function guarded(told: Promise<Told>): Promise<Told> {
  let timer: NodeJS.Timeout | undefined;
  const guard = new Promise<Told>((resolve) => {
    timer = setTimeout(() => resolve({ error: HANG }), HANG_GUARD_MS);
  });
  try {
    return await Promise.race([told, guard]);
  } finally {
    clearTimeout(timer);
  }
}

export const HANG = `HANG: nothing within ${HANG_GUARD_MS} ms`;

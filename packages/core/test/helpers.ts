/** What the tests share: apps that are silent, bytes on a raw socket, and logs as objects. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino, type Logger } from 'pino';
import { onTestFinished } from 'vitest';
import { App, type AppOptions, type Listening } from '../src/index.js';

/** An app on a free port, silent unless told otherwise and without an access log, stopped when the test is over. */
export function testApp(options: AppOptions = {}): App {
  const app = new App({
    binding: '127.0.0.1:0',
    logger: false,
    accessLog: false,
    drainTimeout: 200,
    ...options,
  });
  onTestFinished(() => app.stop());
  return app;
}

export async function started(app: App): Promise<Listening & { address: string }> {
  const listening = await app.start();
  return { ...listening, address: `127.0.0.1:${listening.port}` };
}

/** A raw connection: what it received so far as text, and the end of it. */
export class RawClient {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<'end' | 'reset'>;
  #watchers = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    let outcome: 'end' | 'reset' = 'end';
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.received += text;
      this.#notify();
    });
    this.socket.on('error', () => (outcome = 'reset'));
    // Not once() of node:events: it would reject with the reset that is to be told of.
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(outcome)));
    void this.closed.then(() => this.#notify());
    onTestFinished(() => void this.socket.destroy());
  }

  write(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** Resolves when the pattern has been received; rejects when the connection ends without it. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.received);
      if (match !== null) return match;
      if (this.socket.closed) throw new Error(`closed before ${pattern.source}: ${this.received}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Everything, once the server has closed. */
  async all(): Promise<string> {
    await this.closed;
    return this.received;
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }
}

/** A connection that reads nothing until told to. */
export async function deafClient(port: number, bytes: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(bytes);
  return socket;
}

/** A logger that keeps what it is told. */
export function memoryLogger(level = 'debug'): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

/** A promise and the means to settle it: tests wait for events, never for time. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

/**
 * A socket that is all fields and no kernel: what a `Transport` writes is kept, and a test says what the socket
 * does. What the tests of `src/connection` stand on.
 */
import type { Socket } from 'node:net';
import type { Transport } from '../../src/connection/transport.js';

export class FakeSocket {
  readonly remoteAddress = '127.0.0.1';
  /** What was written, as text. */
  text = '';
  /** Bytes that have not left it. */
  writableLength = 0;
  isPaused = false;
  isRefd = true;
  isDestroyed = false;
  /** How often it was corked and not uncorked. */
  corks = 0;
  mostCorks = 0;
  writes = 0;
  /** What is written goes there, too. */
  onWrite: ((bytes: Buffer) => void) | undefined = undefined;
  #isFull = false;

  asSocket(): Socket {
    return this as unknown as Socket;
  }

  /** From now on it takes nothing more, and says so. */
  fill(): void {
    this.#isFull = true;
  }

  /** Everything has left it; what is written next fills it again, or not. */
  drain(transport: Transport, isFull = false): void {
    this.#isFull = isFull;
    this.writableLength = 0;
    transport.drained();
  }

  write(
    bytes: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error) => void),
    done?: (error?: Error) => void,
  ): boolean {
    const text = Buffer.from(bytes as string, typeof encoding === 'string' ? encoding : 'utf8');
    this.writes += 1;
    this.text += text.toString('latin1');
    this.onWrite?.(text);
    if (this.#isFull) this.writableLength += text.length;
    const callback = typeof encoding === 'function' ? encoding : done;
    callback?.();
    return !this.#isFull;
  }

  cork(): void {
    this.corks += 1;
    this.mostCorks = Math.max(this.mostCorks, this.corks);
  }
  uncork(): void {
    this.corks -= 1;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  ref(): void {
    this.isRefd = true;
  }
  unref(): void {
    this.isRefd = false;
  }
  destroy(): void {
    this.isDestroyed = true;
  }
}

/**
 * What one client has sent and the script has not read yet: bytes go in as they arrive and come out
 * by count or up to a marker. It knows nothing of sockets or HTTP.
 */

/** How a client can leave: it ended the stream, it reset it, or the script (or `close()`) cut it. */
export type CloseKind = 'fin' | 'reset' | 'local';

/**
 * The client has closed the connection, so what the script waits for cannot happen any more. A script
 * that ends with this error has done its work; it is not reported as a failure.
 */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  readonly how: CloseKind;
  /** Bytes that had arrived of what the script wanted to read. */
  readonly partial: Buffer;

  constructor(doing: string, how: CloseKind, partial: Buffer = Buffer.alloc(0)) {
    super(`the connection was closed (${how}) while the script was ${doing}`);
    this.how = how;
    this.partial = partial;
  }
}

export class Inbox {
  private readonly chunks: Buffer[] = [];
  private held = 0;
  private endedBy: CloseKind | undefined;
  private wake: (() => void) | undefined;

  /** Bytes that arrived and were not taken. */
  get size(): number {
    return this.held;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
    this.wake?.();
  }

  end(how: CloseKind): void {
    this.endedBy ??= how;
    this.wake?.();
  }

  clear(): void {
    this.chunks.length = 0;
    this.held = 0;
  }

  /** Exactly `count` bytes, as soon as that many have arrived. */
  async take(count: number, doing: string): Promise<Buffer> {
    while (this.held < count) await this.more(doing);
    return this.cut(count);
  }

  /** What there is, at least one byte and at most `count`. */
  async takeSome(count: number, doing: string): Promise<Buffer> {
    while (this.held === 0) await this.more(doing);
    return this.cut(Math.min(count, this.held));
  }

  /** Everything up to and including `marker`. */
  async takeUntil(marker: string, doing: string, maxBytes: number): Promise<Buffer> {
    for (;;) {
      const place = this.join().indexOf(marker, 0, 'latin1');
      if (place !== -1) return this.cut(place + marker.length);
      if (this.held > maxBytes)
        throw new Error(`no ${JSON.stringify(marker)} within ${maxBytes} bytes while ${doing}`);
      await this.more(doing);
    }
  }

  private async more(doing: string): Promise<void> {
    if (this.endedBy !== undefined) throw new ClientGoneError(doing, this.endedBy, this.join());
    if (this.wake !== undefined) throw new Error(`two reads at once: ${doing}`);
    await new Promise<void>((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }

  private join(): Buffer {
    if (this.chunks.length > 1)
      this.chunks.splice(0, this.chunks.length, Buffer.concat(this.chunks));
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  private cut(count: number): Buffer {
    const all = this.join();
    const rest = all.subarray(count);
    this.chunks.length = 0;
    if (rest.length > 0) this.chunks.push(rest);
    this.held = rest.length;
    return all.subarray(0, count);
  }
}

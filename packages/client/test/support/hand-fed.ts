/** A request body of which the test gives out the pieces, when it is time. */
export class HandFed implements AsyncIterable<Uint8Array | string> {
  /** How often a piece was asked for. */
  asked = 0;
  readonly #pieces: (Uint8Array | string | undefined)[] = [];
  #wake: () => void = () => undefined;

  give(...pieces: (Uint8Array | string)[]): void {
    this.#pieces.push(...pieces);
    this.#wake();
  }

  end(): void {
    this.#pieces.push(undefined);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array | string, void, undefined> {
    for (;;) {
      this.asked += 1;
      while (this.#pieces.length === 0)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      const piece = this.#pieces.shift();
      if (piece === undefined) return;
      yield piece;
    }
  }
}

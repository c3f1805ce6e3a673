/** Sees how large the buffers are that a reader asks for, while it lives. */

const BUFFER = Buffer as { allocUnsafeSlow: (size: number) => Buffer };

export class BufferWatch implements Disposable {
  largestBytes = 0;
  readonly #original = BUFFER.allocUnsafeSlow;

  constructor() {
    const original = this.#original;
    BUFFER.allocUnsafeSlow = (size) => {
      this.largestBytes = Math.max(this.largestBytes, size);
      return original(size);
    };
  }

  [Symbol.dispose](): void {
    BUFFER.allocUnsafeSlow = this.#original;
  }
}

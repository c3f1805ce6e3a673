/**
 * Counts the work a parser does, in bytes looked at, copied or searched: a promise about time that
 * does not depend on a clock. Buffers given out by `watch`, and those the parser allocates meanwhile,
 * are proxies that count.
 */
type Copy = (this: Uint8Array, target: Uint8Array, ...places: number[]) => number;
const PROTOTYPE = Buffer.prototype as { copy: Copy };
const BUFFER = Buffer as { allocUnsafeSlow: (size: number) => Buffer };

export class WorkMeter {
  bytes = 0;
  largestAllocation = 0;
  readonly #targets = new WeakMap<object, Buffer>();

  /** A view of `buffer` that counts what is done with it. */
  watch(buffer: Buffer): Buffer {
    const proxy = new Proxy(buffer, {
      get: (target, property) => {
        if (typeof property === 'string' && /^\d+$/.test(property)) {
          this.bytes += 1;
          return target[Number(property)];
        }
        if (property === 'length') return target.length;
        if (property === 'subarray')
          return (start?: number, end?: number) => this.watch(target.subarray(start, end));
        if (property === 'indexOf')
          return (byte: number, from = 0) => {
            const found = target.indexOf(byte, from);
            this.bytes += (found === -1 ? target.length : found + 1) - from;
            return found;
          };
        if (property === 'latin1Slice')
          return (start = 0, end = target.length) => {
            this.bytes += end - start;
            return target.toString('latin1', start, end);
          };
        if (property === 'toString')
          return (encoding: BufferEncoding, start = 0, end = target.length) => {
            this.bytes += end - start;
            return target.toString(encoding, start, end);
          };
        if (property === 'copy') return PROTOTYPE.copy; // counted in `during`
        throw new Error(`the meter does not know ${String(property)}`);
      },
    });
    this.#targets.set(proxy, buffer);
    return proxy;
  }

  during(run: () => void): void {
    const { allocUnsafeSlow } = BUFFER;
    const { copy } = PROTOTYPE;
    const plain = (buffer: Uint8Array) => this.#targets.get(buffer) ?? buffer;
    const count = (bytes: number) => {
      this.bytes += bytes;
      return bytes;
    };
    BUFFER.allocUnsafeSlow = (size) => {
      this.largestAllocation = Math.max(this.largestAllocation, size);
      return this.watch(allocUnsafeSlow(size));
    };
    PROTOTYPE.copy = function (target, ...places) {
      return count(copy.call(plain(this), plain(target), ...places));
    };
    try {
      run();
    } finally {
      BUFFER.allocUnsafeSlow = allocUnsafeSlow;
      PROTOTYPE.copy = copy;
    }
  }
}

/** A connection that waits for its next request holds nothing of the one before. */
import { describe, expect, it } from 'vitest';
import { RawClient, started, testApp } from '../helpers.js';

describe('an idle keep-alive connection', () => {
  it.each(['content-length', 'chunked'])(
    'does not hold the body it had read (%s)',
    async (kind) => {
      const refs: WeakRef<Uint8Array>[] = [];
      const app = testApp();
      app.post('/', async (ctx) => {
        const bytes = await ctx.bytes();
        refs.push(new WeakRef(bytes));
        return `read ${bytes.length}`;
      });
      const { port } = await started(app);
      const body = 'x'.repeat(100_000);
      const [field, framed] =
        kind === 'chunked'
          ? ['Transfer-Encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`]
          : [`Content-Length: ${body.length}`, body];
      const raw = new RawClient(port).write(
        `POST / HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n${framed}`,
      );
      await raw.until(/read 100000/);
      expect(refs).toHaveLength(1);
      for (let i = 0; i < 50 && refs[0]?.deref() !== undefined; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        globalThis.gc?.();
      }
      expect(refs[0]?.deref()).toBeUndefined();
      expect(raw.socket.closed).toBe(false);
    },
  );
});

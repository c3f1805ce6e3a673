/**
 * A body in chunks of one byte costs what its bytes cost, not an object for each of them. What is held is
 * measured with the body whole but for its end, after a collection of garbage: no timing, no luck.
 */
import type { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { HttpContext } from '../../src/index.js';
import { RawClient, started, testApp } from '../helpers.js';

const MIB = 1_048_576;
const CHUNK = '1\r\nx\r\n';

/** Sends `count` bytes, each a chunk, and resolves when the server has parsed them all. */
async function sendTiny(raw: RawClient, server: Socket, count: number): Promise<void> {
  const before = server.bytesRead;
  const block = Buffer.from(CHUNK.repeat(10_000));
  for (let sent = 0; sent < count; sent += 10_000)
    if (!raw.socket.write(block))
      await new Promise<void>((resolve) => raw.socket.once('drain', resolve));
  while (server.bytesRead - before < count * CHUNK.length)
    await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function tinyApp(handler: (ctx: HttpContext) => Promise<unknown>, safety: object = {}) {
  const app = testApp({ safety });
  app.post('/', async (ctx) => String(await handler(ctx)));
  const connected = new Promise<Socket>((resolve) => app.server.once('connection', resolve));
  const { port } = await started(app);
  const raw = new RawClient(port).write(
    'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  return { raw, server: await connected };
}

describe('a body in chunks of one byte', () => {
  it('is collected in little more than its size', async () => {
    const { raw, server } = await tinyApp(async (ctx) => (await ctx.bytes()).length);
    const before = heldBytes();
    // A list of pieces would hold 80 MiB and more.
    await sendTiny(raw, server, 200_000);
    expect((heldBytes() - before) / MIB).toBeLessThan(6);
    raw.write('0\r\n\r\n');
    expect(await raw.all()).toMatch(/200000$/);
  });

  it('is handed to the reader of ctx.stream in pieces, not byte by byte', async () => {
    let pieces = 0;
    const { raw, server } = await tinyApp(async (ctx) => {
      let size = 0;
      for await (const piece of ctx.stream) {
        pieces++;
        size += piece.length;
      }
      return size;
    });
    await sendTiny(raw, server, 50_000);
    raw.write('0\r\n\r\n');
    expect(await raw.all()).toMatch(/50000$/);
    expect(pieces).toBeLessThan(500);
  });

  it('costs little while a slow reader of ctx.stream lets it wait', async () => {
    let stream: Readable | undefined;
    const { raw } = await tinyApp(async (ctx) => {
      stream = ctx.stream.toReadable();
      stream.read(0); // begins to read, takes nothing
      return new Promise(() => undefined);
    });
    while (stream === undefined) await new Promise((resolve) => setImmediate(resolve));
    const before = heldBytes();
    raw.socket.write(CHUNK.repeat(200_000));
    while (!stream.readableLength) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    // What the raw client itself still has to send is counted out.
    expect((heldBytes() - before - raw.socket.writableLength) / MIB).toBeLessThan(4);
    raw.socket.destroy();
  });
});

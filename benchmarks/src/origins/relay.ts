/**
 * A TCP relay that delays every byte by a fixed time each way: a network with a round trip, on one
 * machine. The handshake of TCP itself is answered at once by this machine's kernel; so that a new
 * connection costs its round trip all the same, nothing that a client sends is taken before one has passed.
 */
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { serve } from '../harness/serve.js';

interface RelayTarget {
  port: number;
  delayMs: number;
}

serve({
  async start({ port, delayMs }: RelayTarget): Promise<number> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      const origin = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      // What a client could not send before its SYN-ACK was back: one round trip.
      const connectedAtMs = performance.now() + 2 * delayMs;
      forward(client, origin, delayMs, connectedAtMs);
      forward(origin, client, delayMs, 0);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
});

function forward(from: net.Socket, to: net.Socket, delayMs: number, notBeforeMs: number): void {
  const queue: (() => void)[] = [];
  const later = (work: () => void): void => {
    const nowMs = performance.now();
    queue.push(work);
    // Whichever timer fires first takes what came first: bytes stay in order.
    setTimeout(() => queue.shift()?.(), Math.max(nowMs, notBeforeMs) + delayMs - nowMs);
  };
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
}

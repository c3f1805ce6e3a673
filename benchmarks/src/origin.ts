/**
 * The origin: answers every request with 1 KB of JSON, from one precomputed buffer, so that the client
 * is what is measured. A process of its own; prints its port.
 */
import net from 'node:net';
import type { AddressInfo } from 'node:net';

const body = JSON.stringify({ data: 'x'.repeat(1_024 - '{"data":""}'.length) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
);

const server = net.createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    // No contender pipelines, so a head never shares a segment with the next one; it may be cut, though.
    if (bytes.subarray(-4).toString('latin1') === '\r\n\r\n') socket.write(answer);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));

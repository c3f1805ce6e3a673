/** The floor: a request written and some bytes read, on sockets that are there. No HTTP in it. */
import net from 'node:net';
import type { Contender } from '../contender.js';

interface Lane {
  socket: net.Socket;
  done: (() => void) | undefined;
}

const rawNet: Contender = {
  name: 'floor: raw net, static buffer',
  async start({ url, concurrency }) {
    const { hostname, port, host } = new URL(url);
    const buffer = Buffer.allocUnsafeSlow(65_536);
    const free: Lane[] = [];
    const lanes = await Promise.all(
      Array.from(
        { length: concurrency },
        () =>
          new Promise<Lane>((resolve, reject) => {
            const callback = (): boolean => {
              const done = lane.done;
              lane.done = undefined;
              free.push(lane);
              done?.();
              return true;
            };
            const socket = net.connect({
              host: hostname,
              port: Number(port),
              noDelay: true,
              onread: { buffer, callback },
            });
            const lane: Lane = { socket, done: undefined };
            socket.once('connect', () => resolve(lane));
            socket.once('error', reject);
          }),
      ),
    );
    free.push(...lanes);
    const head = `GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
    return {
      once: () =>
        new Promise<void>((resolve) => {
          const lane = free.shift();
          if (lane === undefined) throw new Error('more in flight than connections');
          lane.done = resolve;
          lane.socket.write(head, 'latin1');
        }),
      close: () => lanes.forEach(({ socket }) => socket.destroy()),
    };
  },
};
export default rawNet;

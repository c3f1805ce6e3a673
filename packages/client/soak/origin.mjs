/**
 * The origin of the soak, in a process of its own: answers well, slowly, partly or not at all, as the
 * path asks for. Tells its parent the port, and ends with it.
 */
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const MIB = Buffer.alloc(1_048_576, 'm');
const PACKED = gzipSync(Buffer.alloc(100_000, 'g'));
const LONGEST_DELAY_MS = 20;

/** The latest answer on each socket. */
const answers = new WeakMap();

/** By the first segment of the path. */
const ROUTES = {
  small: (_req, res) => res.end('small'),
  echo: (req, res) => req.pipe(res),
  mib: (_req, res) => res.end(MIB),
  chunked: (_req, res) => {
    for (let i = 0; i < 16; i += 1) res.write(MIB.subarray(0, 4_096));
    res.end();
  },
  gzip: (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(PACKED),
  sink: (req, res) => {
    let bytes = 0;
    req.on('data', (piece) => (bytes += piece.length));
    req.on('end', () => res.end(String(bytes)));
  },
  silent: (req) => req.resume(),
  late: (_req, res) => setTimeout(() => res.end('late'), Math.random() * LONGEST_DELAY_MS),
  stall: (_req, res) => res.writeHead(200, { 'content-length': 100 }).write('part'),
  cut: (req, res) => {
    res.writeHead(200, { 'content-length': 100 }).write('part');
    setImmediate(() => req.socket.destroy());
  },
  reset: (req) => req.socket.resetAndDestroy(),
  last: (_req, res) => res.writeHead(200, { connection: 'close' }).end('last'),
  /** Answers, and dies a moment later, perhaps as the next request comes in; in no answer, though. */
  dying: (req, res) => {
    const { socket } = req;
    res.end('dying');
    setTimeout(() => {
      const answer = answers.get(socket);
      if (answer?.headersSent === true && !answer.writableFinished) return;
      socket.destroy();
    }, Math.random() * LONGEST_DELAY_MS);
  },
};

const server = createServer({ keepAliveTimeout: 5_000 }, (req, res) => {
  answers.set(req.socket, res);
  const route = ROUTES[/^\/(\w+)/.exec(req.url ?? '')?.[1] ?? ''];
  res.on('error', () => undefined); // the client may leave at any time
  req.on('error', () => undefined);
  if (route === undefined) res.writeHead(404).end();
  else route(req, res);
});
server.on('clientError', (_error, socket) => socket.destroy());
server.listen(0, '127.0.0.1', () => process.send?.(server.address().port));
process.once('disconnect', () => process.exit());

/**
 * The traffic of the soak: what callers do with a pool, good manners and bad. Each kind knows which
 * outcomes are right; anything else is a failure of the soak.
 */
import { inspect } from 'node:util';
import { RequestScope, jsonRequest } from '@hotaru/client';

const PATIENCE_MS = 20;
/** Dropped bodies and leases come back with a collection; this many may be missing until then. */
const DROPS_BEFORE_GC = 8;
/** Round and round, so that caches of names are full once warm-up is over. */
const HOST_NAMES = 250;
/** No call here may take longer: it hangs. */
const HANG_MS = 20_000;

export class Traffic {
  /** How often each kind was done. */
  counts = {};
  failures = [];
  #drops = 0;
  #hosts = 0;

  /**
   * @param pool what is soaked
   * @param port of the origin
   * @param signal lives as long as the process, and is given to nearly every call
   * @param random 0 ≤ x < 1
   */
  constructor(pool, port, signal, random) {
    this.pool = pool;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.signal = signal;
    this.random = random;
  }

  /** One thing that callers do, picked at random by weight. */
  async once() {
    let pick = this.random() * TOTAL_WEIGHT;
    const [name, , act] = KINDS.find(([, weight]) => (pick -= weight) < 0);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    try {
      await act(this);
    } catch (error) {
      this.failures.push(`${name}: ${inspect(error)}`);
    }
  }

  send(path, request = {}, options = {}, scope) {
    return this.pool.sendRequest(
      this.url,
      { path, ...request },
      { signal: this.signal, timeout: HANG_MS, ...options },
      scope,
    );
  }

  /** Leaves something behind for the collector. */
  dropped() {
    this.#drops += 1;
    if (this.#drops % DROPS_BEFORE_GC === 0) setImmediate(globalThis.gc);
  }

  /** A host the pool does not know: never asked for, or forgotten long ago. */
  unknownHost() {
    this.#hosts = (this.#hosts + 1) % HOST_NAMES;
    return `http://host-${this.#hosts}.test:${this.port}`;
  }
}

/** Name, weight, what is done. */
const KINDS = [
  ['GET', 30, async (t) => equal(await (await t.send('/small')).text(), 'small')],
  [
    'POST',
    20,
    async (t) => {
      const sent = { id: t.random() };
      const res = await t.send('/echo', jsonRequest('/echo', sent)).catch(deadOnArrival);
      if (res !== undefined) equal((await res.json()).id, sent.id);
    },
  ],
  ['gzip', 3, async (t) => equal((await (await t.send('/gzip')).text()).length, 100_000)],
  [
    'stream down',
    5,
    async (t) => {
      let bytes = 0;
      for await (const piece of (await t.send('/mib')).body) bytes += piece.length;
      equal(bytes, 1_048_576);
    },
  ],
  [
    'stream up',
    4,
    async (t) => {
      const res = await t.send('/sink', { method: 'POST', body: pieces(16) }).catch(deadOnArrival);
      if (res !== undefined) equal(await res.text(), String(16 * 65_536));
    },
  ],
  ['read by Node', 2, async (t) => equal(await drainNode(await t.send('/chunked')), 65_536)],
  ['discard', 4, async (t) => (await t.send('/mib')).discard()],
  [
    'leave early',
    3,
    async (t) => {
      for await (const piece of (await t.send('/mib')).body) if (piece.length > 0) break;
    },
  ],
  [
    'drop the body',
    1,
    async (t) => {
      await t.send('/mib');
      t.dropped();
    },
  ],
  [
    'abort',
    8,
    async (t) => {
      const controller = new AbortController();
      const path = ['/silent', '/mib', '/late', '/stall'][Math.floor(t.random() * 4)];
      const delayMs = t.random() * PATIENCE_MS;
      if (t.random() < 0.2) queueMicrotask(() => controller.abort('left'));
      else setTimeout(() => controller.abort('left'), delayMs);
      await t
        .send(path, {}, { signal: controller.signal })
        .then((res) => res.text())
        .catch((error) => equal(error, 'left'));
    },
  ],
  [
    'no head in time',
    3,
    (t) => fails(t, '/silent', 'HEADERS_TIMEOUT', { headersTimeout: PATIENCE_MS }),
  ],
  ['no body in time', 3, (t) => fails(t, '/stall', 'BODY_TIMEOUT', { bodyTimeout: PATIENCE_MS })],
  ['deadline', 3, (t) => fails(t, '/silent', 'DEADLINE_EXCEEDED', { timeout: PATIENCE_MS })],
  [
    'AbortSignal.timeout()',
    2,
    async (t) => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const error = await t.send('/silent', {}, { signal }).catch((reason) => reason);
      equal(error.name, 'TimeoutError');
    },
  ],
  ['cut body', 3, (t) => fails(t, '/cut', 'CONNECTION_CLOSED')],
  ['reset', 3, (t) => fails(t, '/reset', 'CONNECTION_CLOSED')],
  ['dying connection', 6, async (t) => equal(await (await t.send('/dying')).text(), 'dying')],
  ['connection: close', 2, async (t) => equal(await (await t.send('/last')).text(), 'last')],
  [
    'unknown host',
    2,
    async (t) => {
      const { signal } = t;
      const res = await t.pool.sendRequest(t.unknownHost(), { path: '/small' }, { signal });
      equal(await res.text(), 'small');
    },
  ],
  [
    'refused',
    1,
    async (t) => {
      const { signal } = t;
      const error = await t.pool
        .sendRequest('http://127.0.0.1:1', {}, { signal })
        .catch((reason) => reason);
      equal(error.code, 'HOTARU_CONNECT_FAILED');
    },
  ],
  [
    'lease',
    3,
    async (t) => {
      const lease = await t.pool.acquire('127.0.0.1', t.port, { signal: t.signal });
      const fate = t.random();
      if (fate < 0.8) lease.release();
      else if (fate < 0.95) lease.discard();
      else t.dropped();
    },
  ],
  [
    'scope',
    2,
    async (t) => {
      const scope = new RequestScope({ deadlineMs: performance.now() + HANG_MS });
      const read = await t.send('/small', {}, {}, scope);
      await t.send('/mib', {}, {}, scope);
      equal(await read.text(), 'small');
      if (t.random() < 0.5) scope.end();
      else scope.abort('left');
    },
  ],
];

const TOTAL_WEIGHT = KINDS.reduce((sum, [, weight]) => sum + weight, 0);

async function fails(t, path, code, options) {
  const error = await t
    .send(path, {}, options)
    .then((res) => res.text())
    .then(
      () => undefined,
      (reason) => reason,
    );
  if (error?.code !== `HOTARU_${code}`) throw new Error(`expected ${code}`, { cause: error });
}

/** A POST on a connection that the origin was closing is not sent again: an error, and the right one. */
function deadOnArrival(error) {
  if (error.code !== 'HOTARU_CONNECTION_CLOSED' || !error.reusedConnection) throw error;
}

async function* pieces(count) {
  for (let i = 0; i < count; i += 1) yield await Promise.resolve(Buffer.alloc(65_536, i));
}

async function drainNode(res) {
  let bytes = 0;
  for await (const piece of res.readable()) bytes += piece.length;
  return bytes;
}

function equal(actual, expected) {
  if (actual !== expected)
    throw new Error(`expected ${expected}, got ${actual}`, { cause: actual });
}

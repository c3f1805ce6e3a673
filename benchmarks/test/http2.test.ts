/** The contenders over HTTP/2 do the work that they are measured by, in that protocol and on one connection. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  WAYS,
  type BenchClient,
  type ClientContender,
  type ClientTarget,
} from '../src/contender.js';
import hotaruHttp1 from '../src/contenders/client/hotaru-h1.js';
import hotaru from '../src/contenders/client/hotaru.js';
import nodeHttp2LargeWindows from '../src/contenders/client/node-http2-1m.js';
import nodeHttp2 from '../src/contenders/client/node-http2.js';
import undiciHttp2 from '../src/contenders/client/undici-h2.js';
import { buildGoProgram } from '../src/harness/go-program.js';
import { Absent, type Figures } from '../src/harness/suite.js';
import { WorkerProcess, type Program } from '../src/harness/worker-process.js';
import {
  startNodeHttp2,
  type Certificate,
  type NodeHttp2Origin,
} from '../src/origins/node-http2.js';
import {
  COOKIES,
  JSON_BODY,
  LARGE_JSON,
  LATER,
  MIB,
  TWENTY_FIELDS,
  VIA,
} from '../src/origins/answers.js';
import { startSmallFrames } from '../src/origins/small-frames.js';
import { prove } from '../src/workers/proof.js';

const STREAMS = 50;
const CONTENDERS: Record<string, ClientContender> = {
  hotaru,
  'node-http2': nodeHttp2,
  'node-http2-1m': nodeHttp2LargeWindows,
  'undici-h2': undiciHttp2,
  'hotaru-h1': hotaruHttp1,
};

let ca = '';
let certificate: Certificate;
let origin: NodeHttp2Origin;

beforeAll(async () => {
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  ca = pems.cert;
  certificate = { key: pems.private, cert: pems.cert };
  origin = await startNodeHttp2(certificate);
});
afterAll(() => origin.close());

function targetOf(name: string): ClientTarget {
  return name === 'hotaru-h1'
    ? { origin: `https://127.0.0.1:${origin.http1Port}`, ca, connections: STREAMS }
    : { origin: `https://127.0.0.1:${origin.tlsPort}`, ca, connections: 1, streams: STREAMS };
}

describe.each(Object.keys(CONTENDERS))('%s', (name) => {
  let client: BenchClient;
  beforeAll(async () => {
    const started = await CONTENDERS[name]!.start(targetOf(name));
    if (started === undefined) throw new Error('it can do nothing');
    client = started;
  });
  afterAll(() => client.close());

  it('speaks its protocol, on no more connections than it may have', async () => {
    await prove(client, targetOf(name), STREAMS, VIA);
  });

  it('has as many requests under way as it should', async () => {
    const answers = await Promise.all(
      Array.from({ length: STREAMS }, () => client.get(`/together/${STREAMS}`)),
    );
    expect(new Set(answers)).toEqual(new Set([JSON_BODY]));
  });

  it('gets and posts', async () => {
    expect(await client.get('/json')).toBe(JSON_BODY);
    expect(await client.get(TWENTY_FIELDS)).toBe(JSON_BODY);
    expect(await client.get(LATER)).toBe(JSON_BODY);
    expect(await client.post('/count', JSON_BODY)).toBe(String(JSON_BODY.length));
    for (const way of WAYS) expect(await client.getBy!(way, '/json')).toBe(JSON_BODY);
  });

  it('moves bodies in both directions, whole', async () => {
    let received = 0;
    await client.download!('/1m', (piece) => void (received += piece.length));
    expect(received).toBe(MIB);
    const before = origin.received();
    await client.upload!('/swallow', () => pieces(16, 65_536), MIB);
    expect(origin.received() - before).toBe(MIB);
  });

  it('reads an answer in each of the ways', async () => {
    for (const way of ['text', 'pieces', 'webReader', 'piped'] as const)
      expect(await client.read!('/1m', way)).toBe(MIB);
    expect(await client.read!('/large-json', 'json')).toBe(1_000);
    expect(await client.read!('/packed', 'packed')).toBe(LARGE_JSON.length);
    expect(await client.read!('/cookies', 'cookies')).toBe(COOKIES);
  });
});

it('small frames come as they are cut, for many streams and more than a window of them', async () => {
  const body = Buffer.alloc(20_000, 'x');
  const cut = await startSmallFrames(certificate, body, 50);
  const target = { ...targetOf('node-http2'), origin: `https://127.0.0.1:${cut.port}` };
  for (const name of ['hotaru', 'node-http2', 'undici-h2']) {
    const client = (await CONTENDERS[name]!.start(target))!;
    const texts = await Promise.all(Array.from({ length: 20 }, () => client.get('/')));
    expect(new Set(texts)).toEqual(new Set([body.toString()]));
    let frames = 0;
    await client.download!('/', () => void (frames += 1));
    expect(frames).toBeGreaterThan(1);
    await client.close();
  }
  cut.close();
});

it('ours over HTTP/1.1 stays with it where the origin has both, and ours speaks HTTP/2 without TLS', async () => {
  const { ca: trusted, origin: both } = targetOf('hotaru');
  const http1 = (await hotaruHttp1.start({ origin: both, ca: trusted, connections: 1 }))!;
  // A server of HTTP/2 that takes nothing else.
  await expect(http1.get('/json')).rejects.toThrow();
  await http1.close();
  const plain = { origin: `http://127.0.0.1:${origin.plainPort}`, ca: undefined };
  const target = { ...plain, connections: 1, streams: STREAMS };
  const http2 = (await hotaru.start(target))!;
  await prove(http2, target, STREAMS, VIA);
  await http2.close();
});

it('a contender that speaks another protocol, or over more connections, is found out', async () => {
  const client = (await hotaruHttp1.start(targetOf('hotaru-h1')))!;
  await expect(prove(client, { connections: 1, streams: 1 }, 1, VIA)).rejects.toThrow(
    'the origin was asked by HTTP/1.1',
  );
  await expect(prove(client, { connections: 1 }, 10, VIA)).rejects.toThrow(
    /^\d+ connections, where 1 are allowed$/,
  );
  await client.close();
});

describe('Go’s client', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'hotaru-bench-go-'));
  afterAll(() => rm(folder, { recursive: true }));
  const program = await buildGoProgram(folder).catch((error: unknown) => {
    if (error instanceof Absent) return undefined;
    throw error;
  });
  const using = async <T>(work: (go: WorkerProcess) => Promise<T>): Promise<T> => {
    const go = new WorkerProcess(program as Program, 'measured');
    try {
      return await work(go);
    } finally {
      await go.stop();
    }
  };

  it('is named when it is missing', async () => {
    const where = process.env['PATH'];
    process.env['PATH'] = folder;
    try {
      await expect(buildGoProgram(folder)).rejects.toThrow(Absent);
    } finally {
      process.env['PATH'] = where;
    }
  });

  it.skipIf(program === undefined).each([
    ['node-http2', undefined],
    ['node-http2', JSON_BODY],
    ['hotaru-h1', undefined],
  ])('sends what its worker is told, as %s does', async (like, json) => {
    const target = targetOf(like);
    const job = { target, concurrency: 10, path: '/json', expected: JSON_BODY, proof: VIA, json };
    await using(async (go) => {
      expect(await go.call('start', job)).toMatch(/^Go net\/http \(go1/);
      await go.call('run');
      await go.call('begin');
      const before = origin.received();
      const figures = await go.call<Figures>('end');
      expect(figures['requests']).toBeGreaterThanOrEqual(10);
      expect(figures['cpuUs']).toBeGreaterThan(0);
      if (json !== undefined) expect(origin.received() - before).toBeGreaterThan(0);
    });
  });

  it.skipIf(program === undefined)('says so when an answer is another one', async () => {
    const job = { target: targetOf('node-http2'), concurrency: 1, path: '/via', expected: 'x' };
    await using(async (go) => {
      await go.call('start', job);
      await go.call('run');
      await go.call('begin');
      await expect(go.call('end')).rejects.toThrow('an answer of ');
    });
  });

  it.skipIf(program === undefined)('is found out when it is not HTTP/2', async () => {
    const { origin: url } = targetOf('hotaru-h1');
    const target = { ...targetOf('node-http2'), origin: url };
    const job = { target, concurrency: 1, path: '/json', expected: JSON_BODY, proof: VIA };
    await using((go) =>
      expect(go.call('start', job)).rejects.toThrow('the origin was asked by "HTTP/1.1'),
    );
  });

  it.skipIf(program === undefined).each(['down', 'text', 'up', 'slow'])(
    'moves bodies: %s',
    async (direction) => {
      const timing = { warmCpuMs: 1, warmAtMostMs: 1, windowMs: 1 };
      const where = direction === 'up' ? '/swallow' : '/1m';
      const job = { target: targetOf('node-http2'), direction, bytes: MIB, path: where, timing };
      const before = origin.received();
      const { figures } = await using((go) => go.call<{ figures: Figures }>('run', job));
      if (direction === 'slow') expect(figures['seconds']).toBeGreaterThan(0);
      else expect(figures['mibPerSecond']).toBeGreaterThan(0);
      // Once to be warm, once to be measured.
      if (direction === 'up') expect(origin.received() - before).toBe(2 * MIB);
    },
  );
});

async function* pieces(count: number, bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < count; sent += 1) yield Buffer.alloc(bytes, 'x');
}

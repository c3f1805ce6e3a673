/** Calls beyond the streams that a real server allows on one connection: all are served, in the order they were made. */
import { expect, it } from 'vitest';
import { getRequest } from '@hotaru/client';
import { describeWith } from '../../../wire/test/support/programs.js';
import { Nghttpd } from '../support/nghttp2.js';
import { Nginx } from '../support/nginx.js';
import { NodeHttp2Server } from '../support/node-http2-server.js';
import { until } from '../support/waiting.js';
import { poolOf } from './support.js';

const CALLS = 200;
const targets = Array.from({ length: CALLS }, (_, i) => `/hello?call=${i}`);

describeWith(['nginx'], 'http2_max_concurrent_streams 4 of nginx', () => {
  it('200 calls on one connection are served first come, first served', async () => {
    await using nginx = await Nginx.start({
      server: 'http2_max_concurrent_streams 4; location / { return 200 ok; }',
      http2: true,
    });
    const pool = await poolOf({ maxPerHost: 1 });
    await Promise.all(
      targets.map(async (target) => {
        const res = await pool.sendRequest(nginx.url, getRequest(target));
        expect(await res.text()).toBe('ok');
      }),
    );
    await until(() => nginx.targets.length >= CALLS, 'nginx logs all requests');
    expect(nginx.targets).toEqual(targets);
    expect(nginx.connectionCount).toBe(1);
    expect(pool.stats()).toMatchObject({ requests: CALLS, created: 1, replays: 0, failed: 0 });
  });

  it('further connections are dialled where they may be, and no more than they', async () => {
    await using nginx = await Nginx.start({
      server: 'http2_max_concurrent_streams 4; location / { return 200 ok; }',
      http2: true,
    });
    const pool = await poolOf({ maxPerHost: 3 });
    await Promise.all(
      targets.map(async (target) => {
        const res = await pool.sendRequest(nginx.url, getRequest(target));
        await res.text();
      }),
    );
    expect(nginx.targets.sort()).toEqual([...targets].sort());
    expect(nginx.connectionCount).toBe(3);
    expect(pool.stats()).toMatchObject({ requests: CALLS, created: 3, replays: 0, failed: 0 });
  });
});

describeWith(['nghttpd'], '--max-concurrent-streams=4 of nghttpd', () => {
  it('200 calls on one connection are read in the order they were made', async () => {
    await using nghttpd = await Nghttpd.start({
      files: { hello: 'ok' },
      args: ['--max-concurrent-streams=4'],
    });
    const pool = await poolOf({ maxPerHost: 1 });
    await Promise.all(
      targets.map(async (target) => {
        const res = await pool.sendRequest(nghttpd.url, getRequest(target));
        expect(res.status).toBe(200);
        await res.text();
      }),
    );
    await until(() => nghttpd.paths.length >= CALLS, 'nghttpd logs all requests');
    expect(nghttpd.paths).toEqual(targets);
    expect(nghttpd.connectionCount).toBe(1);
    expect(pool.stats()).toMatchObject({ requests: CALLS, created: 1, replays: 0, failed: 0 });
  });
});

it('a limit that node:http2 changes while calls wait is kept to at once, zero too', async () => {
  let open = 0;
  let most = 0;
  const held: (() => void)[] = [];
  await using server = await NodeHttp2Server.start({
    settings: { maxConcurrentStreams: 10 },
    onStream: (stream) => {
      open += 1;
      most = Math.max(most, open);
      stream.on('close', () => (open -= 1));
      stream.respond({ ':status': 200 });
      held.push(() => stream.end('ok'));
    },
  });
  const pool = await poolOf({ maxPerHost: 1 });
  const calls = targets.slice(0, 60).map(async (target) => {
    const res = await pool.sendRequest(server.url, getRequest(target));
    return res.text();
  });
  const arrived = async (count: number): Promise<void> => {
    while (held.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const change = async (maxConcurrentStreams: number): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      server.sessions[0]?.settings(
        { maxConcurrentStreams },
        (error) => (error ? reject(error) : resolve()), // the client has acknowledged it
      );
    });
  };
  await arrived(10);
  expect(open).toBe(10);
  await change(0);
  for (const end of held.splice(0)) end();
  while (open > 0) await new Promise((resolve) => setImmediate(resolve));
  // A round trip later nothing has come: it may take none.
  await new Promise<void>((resolve) => void server.sessions[0]?.ping(() => resolve()));
  expect(held).toEqual([]);
  most = 0;
  await change(3);
  for (let answered = 10; answered < 60; answered += 1) {
    await arrived(1);
    held.shift()?.();
  }
  expect(await Promise.all(calls)).toEqual(Array(60).fill('ok'));
  expect(most).toBe(3);
  expect(server.connectionCount).toBe(1);
});

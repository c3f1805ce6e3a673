/**
 * The server role of the codec, on bare sockets, against clients that others wrote: h2load and nghttp (nghttp2), and
 * curl. What they report is asserted, and what the server saw.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testCertificates } from '../../client/test/certificates.js';
import { Http2SocketServer } from './support/http2-socket-server.js';
import { describeWith, pathOf, type ProgramName } from './support/programs.js';
import { SERVER_LIMITS } from './support/server-conversation.js';

const LIMITS = {
  ...SERVER_LIMITS,
  streamWindowBytes: 65_536,
  maxStreamWindowBytes: 1_048_576,
  maxConcurrentStreams: 250,
  maxHeaderListBytes: 65_536,
  idleFrameAllowance: 1_000,
};

/** A bound on a hang, never a wait. */
const GUARD_MS = 60_000;

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hotaru-peers-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function run(program: ProgramName, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(pathOf(program), args, {
    timeout: GUARD_MS,
    maxBuffer: 64 * 1_048_576,
    encoding: 'latin1',
  });
  return stdout + stderr;
}

async function file(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe.each(['plain', 'tls'] as const)('a server on the codec, %s', (transport) => {
  async function serve(): Promise<Http2SocketServer> {
    const tls = transport === 'tls' ? (await testCertificates()).localhost : undefined;
    return Http2SocketServer.start({ limits: LIMITS, ...(tls && { tls }) });
  }

  describeWith(['h2load'], 'h2load', () => {
    it('10 000 requests, 4 connections of 100 streams: all succeed', async () => {
      await using server = await serve();
      const report = await run('h2load', '-n', '10000', '-c', '4', '-m', '100', server.url);
      expect(report).toContain('10000 total, 10000 started, 10000 done, 10000 succeeded, 0 failed');
      expect(report).toContain('status codes: 10000 2xx, 0 3xx, 0 4xx, 0 5xx');
      expect(server.connectionCount).toBe(4);
      expect(server.errors).toEqual([]);
      expect(server.seen.filter(({ outcome }) => outcome !== 'whole')).toEqual([]);
    });

    it.each([
      ['1 KiB', 1_024, 2_000, '64'],
      ['300 KB, beyond every window', 300_000, 100, '10'],
    ])('POST of %s, echoed', async (_what, size, count, streams) => {
      await using server = await serve();
      const body = await file(`${transport}-${size}`, randomBytes(size));
      const report = await run(
        'h2load',
        ...['-n', String(count), '-c', '2', '-m', streams, '-w', '16', '-W', '18', '-d', body],
        `${server.url}/echo`,
      );
      expect(report).toContain(`${count} succeeded, 0 failed, 0 errored, 0 timeout`);
      expect(Number(/\((\d+)\) data/.exec(report)?.[1])).toBe(size * count);
      expect(server.seen.every(({ bodyBytes }) => bodyBytes === size)).toBe(true);
      expect(server.errors).toEqual([]);
    });

    it('small windows and tables: 1 023 bytes a stream, no dynamic table', async () => {
      await using server = await serve();
      const report = await run(
        'h2load',
        ...['-n', '200', '-c', '2', '-m', '20', '-w', '10', '-W', '12'],
        ...['--header-table-size=0', '--encoder-header-table-size=0'],
        `${server.url}/size/20000`,
      );
      expect(report).toContain('200 succeeded, 0 failed');
      expect(Number(/\((\d+)\) data/.exec(report)?.[1])).toBe(200 * 20_000);
      expect(server.errors).toEqual([]);
    });
  });

  describeWith(['nghttp'], 'nghttp', () => {
    it('many streams, a small header table and padding, and a clean end', async () => {
      await using server = await serve();
      const report = await run(
        'nghttp',
        ...['-ynv', '-m', '50', '--padding=100', '--header-table-size=64', '-M', '20'],
        `${server.url}/many/30`,
      );
      expect(report.match(/recv \(stream_id=\d+\) :status: 200/g)).toHaveLength(50);
      expect(report.match(/recv \(stream_id=\d+\) x-field-29: (29){20}\n/g)).toHaveLength(50);
      expect(report).not.toMatch(/recv (?:RST_STREAM|GOAWAY)/);
      expect(server.errors).toEqual([]);
    });

    it('trailers both ways, 100 Continue, 103 Early Hints, large heads in CONTINUATION', async () => {
      await using server = await serve();
      const body = await file(`${transport}-trailed`, 'a body');
      const sent = await run(
        'nghttp',
        ...['-yv', '-d', body, '--trailer', 'x-sum: 17', '--expect-continue', '--continuation'],
        `${server.url}/trailers`,
      );
      expect(sent).toContain(':status: 100');
      expect(sent).toContain('x-checksum: abc');
      const [seen] = server.seen;
      expect(seen).toMatchObject({ outcome: 'whole', bodyBytes: 6, trailers: [['x-sum', '17']] });
      expect(JSON.stringify(seen?.fields).length).toBeGreaterThan(4_000); // what --continuation adds
      const early = await run('nghttp', '-yv', `${server.url}/early`);
      expect(early).toMatch(/:status: 103[^]*link: [^]*:status: 200/);
      expect(server.errors).toEqual([]);
    });
  });

  describeWith(['curl'], 'curl', () => {
    const flags = [
      ...['-sSk', '--max-time', String(GUARD_MS / 1_000)],
      transport === 'tls' ? '--http2' : '--http2-prior-knowledge',
    ];

    it('GET, HEAD, an answer without a body, 5 MB down', async () => {
      await using server = await serve();
      const out = ['-o', '/dev/null', '-w', '%{http_version} %{http_code} %{size_download}'];
      expect(await run('curl', ...flags, ...out, server.url)).toBe('2 200 2');
      expect(await run('curl', ...flags, ...out, '--head', server.url)).toBe('2 200 0');
      expect(await run('curl', ...flags, ...out, `${server.url}/empty`)).toBe('2 200 0');
      const large = await run('curl', ...flags, ...out, `${server.url}/size/5000000`);
      expect(large).toBe('2 200 5000000');
      expect(server.errors).toEqual([]);
    });

    it('POST of 3 MB comes back as it was', async () => {
      await using server = await serve();
      const bytes = randomBytes(3_000_000);
      const body = await file(`${transport}-large`, bytes);
      const back = join(folder, `${transport}-back`);
      await run('curl', ...flags, '-o', back, '--data-binary', `@${body}`, `${server.url}/echo`);
      expect((await readFile(back)).equals(bytes)).toBe(true);
      expect(server.errors).toEqual([]);
    });
  });
});

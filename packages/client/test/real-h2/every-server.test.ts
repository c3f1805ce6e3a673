/** What HTTP/2 promises against every real server there is here, over TLS and by prior knowledge. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { getRequest } from '@hotaru/client';
import { describeWith } from '../../../wire/test/support/programs.js';
import { HELLO, poolOf, REAL_SERVERS, post } from './support.js';

const SIZES = [0, 1, 16_384, 16_385, 65_535, 65_536, 1_048_577, 4_194_304];

for (const { name, programs, run } of REAL_SERVERS)
  describeWith(programs, name, () => {
    it('answers a GET over HTTP/2', () =>
      run(async ({ url }) => {
        const pool = await poolOf();
        const res = await pool.sendRequest(url, getRequest('/hello'));
        expect(res.status).toBe(200);
        expect(res.connection.protocol).toBe('h2');
        expect(await res.text()).toBe(HELLO);
      }));

    it('takes bodies of any size, of known length and as a stream, through its own windows', () =>
      run(async (server) => {
        const pool = await poolOf({ maxPerHost: 1 });
        for (const size of SIZES) {
          const bytes = randomBytes(size);
          for (const body of [bytes, inPieces(bytes)]) {
            const res = await pool.sendRequest(server.url, { method: 'POST', path: '/echo', body });
            expect(res.status).toBe(200);
            expect(Buffer.from(await res.bytes()).equals(bytes), `${size} bytes`).toBe(true);
          }
        }
        expect(server.connectionCount).toBe(1);
        expect(pool.stats()).toMatchObject({ created: 1, active: 0, failed: 0, replays: 0 });
      }));

    it('serves 150 calls at once, GET and POST, over one connection', () =>
      run(async (server) => {
        const pool = await poolOf({ maxPerHost: 1 });
        const bodies = await Promise.all(
          Array.from({ length: 150 }, async (_, i) => {
            const text = `body ${i} `.repeat(i * 20);
            const res = await pool.sendRequest(
              server.url,
              i % 2 === 0 ? getRequest('/hello') : post('/echo', text),
            );
            return [await res.text(), i % 2 === 0 ? HELLO : text];
          }),
        );
        for (const [got, wanted] of bodies) expect(got).toBe(wanted);
        expect(server.connectionCount).toBe(1);
        expect(pool.stats()).toMatchObject({ created: 1, requests: 150, active: 0, waiting: 0 });
      }));
  });

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) {
    yield bytes.subarray(at, at + 50_000);
    await Promise.resolve();
  }
}

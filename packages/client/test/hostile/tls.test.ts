/**
 * TLS (docs/rules.md, rule 13; RFC 9110 §4.3.4, RFC 8446): an unproved peer gets no request, and no connection is
 * shared by two identities. Origins with bad certificates, broken handshakes, and plain talkers.
 */
import { connect } from 'node:tls';
import { ConnectionPool, type ErrorCode, type SendOptions } from '@hotaru/client';
import { ScriptedUpstream, turn, type PeerScript } from '@hotaru/client/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testCertificates, type TestCertificates } from '../certificates.js';
import { answering, attempt, codeOf, HANG_GUARD_MS } from './support.js';

let certificates: TestCertificates;
beforeAll(async () => {
  certificates = await testCertificates();
});

const disposables: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0).reverse()) await dispose();
});

async function origin(tls: object, script: PeerScript = answering): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start({ tls, script });
  disposables.push(() => upstream.close());
  return upstream;
}

function newPool(config: ConstructorParameters<typeof ConnectionPool>[0] = {}): ConnectionPool {
  const pool = new ConnectionPool(config);
  disposables.push(() => pool.close());
  return pool;
}

/** `https://localhost:port`: a name, so that SNI is sent. */
const byName = (upstream: ScriptedUpstream) => `https://localhost:${upstream.port}`;

type Tls = NonNullable<SendOptions['tls']>;
const get = (pool: ConnectionPool, url: string, tls: Tls = {}, path = '/') =>
  attempt(pool, url, { path }, { tls, timeout: HANG_GUARD_MS });

describe('a certificate', () => {
  it('of a known authority, for this host, is trusted', async () => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    for (const url of [byName(upstream), upstream.url])
      expect(await get(pool, url, { ca: certificates.ca })).toMatchObject({ status: 200 });
  });

  const bad: [string, () => { tls: object; client: Tls }][] = [
    ['of an unknown authority', () => ({ tls: certificates.localhost, client: {} })],
    ['signed by itself', () => ({ tls: certificates.selfSigned, client: {} })],
    [
      'signed by itself, beside an authority that did not',
      () => ({ tls: certificates.selfSigned, client: { ca: certificates.ca } }),
    ],
    ['that has expired', () => ({ tls: certificates.expired, client: { ca: certificates.ca } })],
    [
      'that is not valid yet',
      () => ({ tls: certificates.notYetValid, client: { ca: certificates.ca } }),
    ],
    ['for another host', () => ({ tls: certificates.wrongHost, client: { ca: certificates.ca } })],
    [
      'for this host, when another is expected',
      () => ({
        tls: certificates.localhost,
        client: { ca: certificates.ca, servername: 'other.example' },
      }),
    ],
    [
      'of a client, shown by a server',
      () => ({ tls: certificates.client, client: { ca: certificates.ca } }),
    ],
  ];
  for (const [what, make] of bad)
    it(`${what} is refused before a byte of the request is sent`, async () => {
      const { tls, client } = make();
      const upstream = await origin(tls);
      const pool = newPool({ maxPerHost: 1 });
      for (let tried = 0; tried < 2; tried += 1) {
        const outcome = await get(pool, byName(upstream), client);
        expect(codeOf(outcome)).toBe('HOTARU_TLS_FAILED');
        expect((outcome as { error: unknown }).error).toMatchObject({
          phase: 'tls',
          bytesSent: 0,
          retrySafe: true,
        });
      }
      await upstream.waitForOpen(0);
      expect(upstream.requests).toHaveLength(0);
      expect(pool.stats()).toMatchObject({ active: 0, connecting: 0, idle: 0 });
    });

  it('of any peer is taken when the caller says so, and only for that caller', async () => {
    const upstream = await origin(certificates.selfSigned);
    const pool = newPool();
    const lax = { rejectUnauthorized: false };
    expect(await get(pool, byName(upstream), lax)).toMatchObject({ status: 200 });
    expect(codeOf(await get(pool, byName(upstream)))).toBe('HOTARU_TLS_FAILED');
    expect(await get(pool, byName(upstream), lax)).toMatchObject({ status: 200 });
    expect(upstream.requests).toHaveLength(2);
  });

  it('for the name given as servername is trusted, whatever the address', async () => {
    const upstream = await origin(certificates.wrongHost);
    const tls = { ca: certificates.ca, servername: 'wrong.example' };
    expect(await get(newPool(), upstream.url, tls)).toMatchObject({ status: 200 });
  });
});

describe('a client certificate', () => {
  const demanding = () => ({ ...certificates.localhost, ca: certificates.ca, requestCert: true });

  it('is shown', async () => {
    const upstream = await origin(demanding());
    const tls = { ca: certificates.ca, ...certificates.client };
    expect(await get(newPool(), byName(upstream), tls)).toMatchObject({ status: 200 });
    expect(upstream.connections[0]?.tls?.getPeerCertificate().subject.CN).toBe('client');
  });

  it.each<[string, () => Tls]>([
    ['that is missing', () => ({ ca: certificates.ca })],
    ['of a stranger', () => ({ ca: certificates.ca, ...certificates.foreignClient })],
  ])('%s ends in an error, whenever TLS 1.3 lets the client know', async (_what, make) => {
    const upstream = await origin(demanding());
    const outcome = await get(newPool(), byName(upstream), make());
    const codes: ErrorCode[] = ['HOTARU_TLS_FAILED', 'HOTARU_CONNECTION_CLOSED'];
    expect(codes).toContain(codeOf(outcome));
    expect(upstream.requests).toHaveLength(0);
  });

  it('is never lent: each identity has connections of its own', async () => {
    const upstream = await origin(demanding());
    const pool = newPool();
    const { ca, client, otherClient } = certificates;
    for (let round = 0; round < 2; round += 1) {
      await get(pool, byName(upstream), { ca, ...client }, '/client');
      await get(pool, byName(upstream), { ca, ...otherClient }, '/other');
    }
    expect(upstream.accepted).toBe(2);
    for (const request of upstream.requests) {
      const peer = upstream.connections[request.connection];
      const name = peer?.tls?.getPeerCertificate().subject.CN;
      expect(name).toBe(request.target === '/client' ? 'client' : 'other client');
    }
  });
});

describe('an identity', () => {
  it('is the same for equal settings, and its connection is reused', async () => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    const { ca } = certificates;
    for (const tls of [{ ca }, { ca }, { ca: Buffer.from(ca) }, { ca: [ca] }])
      expect(await get(pool, byName(upstream), tls)).toMatchObject({ status: 200 });
    expect(upstream.accepted).toBeLessThanOrEqual(2); // text and bytes may count as two
  });

  it.each<[string, () => Tls]>([
    ['rejectUnauthorized', () => ({ ca: certificates.ca, rejectUnauthorized: false })],
    ['servername', () => ({ ca: certificates.ca, servername: '127.0.0.1' })],
    ['ca', () => ({ ca: [certificates.ca, certificates.selfSigned.cert] })],
    ['minVersion', () => ({ ca: certificates.ca, minVersion: 'TLSv1.3' })],
    ['maxVersion', () => ({ ca: certificates.ca, maxVersion: 'TLSv1.2' })],
    ['cert', () => ({ ca: certificates.ca, ...certificates.client })],
  ])('with another %s does not share a connection', async (_what, make) => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    for (let round = 0; round < 2; round += 1) {
      await get(pool, byName(upstream), { ca: certificates.ca });
      expect(await get(pool, byName(upstream), make())).toMatchObject({ status: 200 });
    }
    expect(upstream.accepted).toBe(2);
  });

  it('over TLS never shares with plain HTTP on the same port', async () => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    await get(pool, byName(upstream), { ca: certificates.ca });
    const plain = await attempt(
      pool,
      `http://localhost:${upstream.port}`,
      {},
      { timeout: HANG_GUARD_MS },
    );
    expect(codeOf(plain)).toMatch(/CONNECTION_CLOSED|PROTOCOL_ERROR/);
    await get(pool, byName(upstream), { ca: certificates.ca });
    expect(upstream.connections).toHaveLength(1);
  });
});

describe('SNI', () => {
  it('carries the host, and not an address (RFC 6066 §3)', async () => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    await get(pool, byName(upstream), { ca: certificates.ca });
    await get(pool, upstream.url, { ca: certificates.ca });
    const names = upstream.connections.map(
      (peer) => (peer.tls as { servername?: unknown }).servername,
    );
    expect(names).toEqual(['localhost', false]);
  });

  it('carries the servername of the caller', async () => {
    const upstream = await origin(certificates.wrongHost);
    await get(newPool(), upstream.url, { ca: certificates.ca, servername: 'wrong.example' });
    expect((upstream.connections[0]?.tls as { servername?: unknown }).servername).toBe(
      'wrong.example',
    );
  });
});

describe('ALPN', () => {
  it('offers h2 and http/1.1, and takes a server that knows one of them, or chooses nothing', async () => {
    const choosing = await origin({ ...certificates.localhost, ALPNProtocols: ['http/1.1'] });
    const silent = await origin(certificates.localhost);
    const pool = newPool();
    for (const upstream of [choosing, silent])
      expect(await get(pool, byName(upstream), { ca: certificates.ca })).toMatchObject({
        status: 200,
      });
    expect(choosing.connections[0]?.tls?.alpnProtocol).toBe('http/1.1');
  });

  it('with no protocol in common fails in the handshake', async () => {
    const upstream = await origin({ ...certificates.localhost, ALPNProtocols: ['h3'] });
    const outcome = await get(newPool(), byName(upstream), { ca: certificates.ca });
    expect(codeOf(outcome)).toBe('HOTARU_TLS_FAILED');
    expect(upstream.requests).toHaveLength(0);
  });
});

describe('a protocol version', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is supported', async (version) => {
    const upstream = await origin({
      ...certificates.localhost,
      maxVersion: version,
      minVersion: version,
    });
    const pool = newPool();
    for (let round = 0; round < 2; round += 1)
      expect(await get(pool, byName(upstream), { ca: certificates.ca })).toMatchObject({
        status: 200,
      });
    expect(upstream.accepted).toBe(1);
    expect(upstream.connections[0]?.tls?.getProtocol()).toBe(version);
  });

  it('below minVersion is refused', async () => {
    const upstream = await origin({ ...certificates.localhost, maxVersion: 'TLSv1.2' });
    const tls = { ca: certificates.ca, minVersion: 'TLSv1.3' as const };
    expect(codeOf(await get(newPool(), byName(upstream), tls))).toBe('HOTARU_TLS_FAILED');
  });
});

describe('a handshake that goes wrong', () => {
  /** A plain origin that hears the ClientHello and does this. */
  const plain = async (script: PeerScript) => {
    const upstream = await ScriptedUpstream.start({ script });
    disposables.push(() => upstream.close());
    return upstream;
  };
  const alert = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]);

  it.each<[string, PeerScript]>([
    ['FIN at the ClientHello', (peer) => peer.readBytes(1).then(() => peer.end())],
    ['RST at the ClientHello', (peer) => peer.readBytes(1).then(() => peer.reset())],
    ['FIN before it', (peer) => peer.end()],
    ['RST before it', (peer) => peer.reset()],
    ['plain HTTP', (peer) => peer.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
    ['junk', (peer) => peer.write('\x00\x01\x02 nonsense that is no TLS record at all')],
    ['a fatal alert', (peer) => peer.write(alert)],
    [
      'half a record, then FIN',
      (peer) => peer.endAfter(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00, 0x02]), 6),
    ],
    [
      'a record of an impossible length',
      (peer) =>
        peer.write(
          Buffer.concat([Buffer.from([0x16, 0x03, 0x03, 0xff, 0xff]), Buffer.alloc(70_000)]),
        ),
    ],
  ])('fails as such, with nothing sent, and gives its place back: %s', async (_what, script) => {
    const upstream = await plain(script);
    const pool = newPool({ maxPerHost: 1 });
    const url = `https://localhost:${upstream.port}`;
    for (let tried = 0; tried < 3; tried += 1) {
      const outcome = await get(pool, url, { ca: certificates.ca });
      expect(['HOTARU_TLS_FAILED', 'HOTARU_CONNECT_FAILED']).toContain(codeOf(outcome));
      expect((outcome as { error: unknown }).error).toMatchObject({
        bytesSent: 0,
        retrySafe: true,
      });
    }
    expect(pool.stats()).toMatchObject({ active: 0, connecting: 0, waiting: 0, idle: 0 });
    await upstream.waitForOpen(0);
  });

  it('that floods for ever ends in an error, not at the deadline', async () => {
    const upstream = await plain((peer) =>
      peer.endless(Buffer.from([0x16, 0x03, 0x03, 0x3f, 0xff])),
    );
    const outcome = await get(newPool(), `https://localhost:${upstream.port}`);
    expect(codeOf(outcome)).toBe('HOTARU_TLS_FAILED');
  });

  it('that stalls can be aborted', async () => {
    const upstream = await plain((peer) => peer.stall());
    const abort = new AbortController();
    const pool = newPool({ maxPerHost: 1 });
    const call = attempt(pool, `https://localhost:${upstream.port}`, {}, { signal: abort.signal });
    await upstream.connection(0);
    abort.abort(new Error('enough'));
    expect(await call).toMatchObject({ error: new Error('enough') });
    expect(pool.stats()).toMatchObject({ waiting: 0, active: 0 });
  });

  it('of one call does not keep others waiting for ever', async () => {
    const upstream = await plain((peer) => peer.end());
    const pool = newPool({ maxPerHost: 2 });
    const url = `https://localhost:${upstream.port}`;
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => get(pool, url)));
    for (const outcome of outcomes) expect(outcome).toHaveProperty('error');
    expect(pool.stats()).toMatchObject({ waiting: 0, connecting: 0, active: 0 });
  });
});

describe('a connection over TLS', () => {
  it('is reused, and session tickets that come while it is idle are not poison', async () => {
    const upstream = await origin({ ...certificates.localhost, minVersion: 'TLSv1.3' });
    const pool = newPool();
    for (let sent = 0; sent < 5; sent += 1) {
      await get(pool, byName(upstream), { ca: certificates.ca });
      await turn();
    }
    expect(upstream.accepted).toBe(1);
    expect(pool.stats()).toMatchObject({ poisoned: 0 });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'after another one resumes its session: %s',
    async (version) => {
      const resumed: unknown[] = [];
      const upstream = await origin(
        { ...certificates.localhost, minVersion: version, maxVersion: version },
        async (peer) => {
          resumed.push(peer.tls?.isSessionReused());
          await peer.readRequest();
          await peer.respond(200, { connection: 'close' });
          peer.end();
        },
      );
      const pool = newPool();
      for (let sent = 0; sent < 3; sent += 1) {
        await get(pool, byName(upstream), { ca: certificates.ca });
        await upstream.waitForOpen(0);
      }
      expect(resumed).toEqual([false, true, true]);
    },
  );

  it('never resumes the session of another identity', async () => {
    const seen: unknown[] = [];
    const upstream = await origin(
      { ...certificates.localhost, ca: certificates.ca, requestCert: true },
      async (peer) => {
        seen.push([peer.tls?.isSessionReused(), peer.tls?.getPeerCertificate().subject.CN]);
        await peer.readRequest();
        await peer.respond(200, { connection: 'close' });
        peer.end();
      },
    );
    const pool = newPool();
    const { ca, client, otherClient } = certificates;
    await get(pool, byName(upstream), { ca, ...client });
    await upstream.waitForOpen(0);
    await get(pool, byName(upstream), { ca, ...otherClient });
    expect(seen).toEqual([
      [false, 'client'],
      [false, 'other client'],
    ]);
  });

  it('that gets an alert while idle is closed quietly', async () => {
    const upstream = await origin(certificates.localhost);
    const pool = newPool();
    await get(pool, byName(upstream), { ca: certificates.ca });
    upstream.connections[0]?.end();
    await upstream.waitForOpen(0);
    expect(await get(pool, byName(upstream), { ca: certificates.ca })).toMatchObject({
      status: 200,
    });
    expect(pool.stats()).toMatchObject({ poisoned: 0, replays: 0 });
  });

  it('is really TLS: a client that does not trust the authority sees no plain text', async () => {
    const upstream = await origin(certificates.localhost);
    await expect(
      new Promise((resolve, reject) => {
        connect({ port: upstream.port, host: '127.0.0.1' }, () => resolve('trusted')).on(
          'error',
          reject,
        );
      }),
    ).rejects.toThrow(/certificate/);
  });
});

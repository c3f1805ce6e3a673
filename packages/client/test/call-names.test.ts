/** Every error names its call, and its stack has the line of the code that awaits the call. */
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import {
  ConnectionPool,
  getRequest,
  HotaruClientError,
  type ErrorCode,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { ScriptedUpstream, type PeerScript } from '@hotaru/client/testing';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { testCertificates, type TestCertificates } from './certificates.js';

const CANNED = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function poolWith(config: PoolConfigInput = {}): ConnectionPool {
  const pool = new ConnectionPool(config);
  onTestFinished(() => pool.close());
  return pool;
}

async function upstreamOf(script: PeerScript, tls?: object): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start({ script, ...(tls && { tls, host: 'localhost' }) });
  onTestFinished(() => upstream.close());
  return upstream;
}

const silent: PeerScript = async (peer) => {
  await peer.readRequest();
};

const says =
  (bytes: string): PeerScript =>
  async (peer) => {
    await peer.readRequest();
    await peer.write(bytes);
    peer.end();
  };

async function failureOf(promise: Promise<unknown>): Promise<HotaruClientError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HotaruClientError);
  return error as HotaruClientError;
}

describe('the error of a call', () => {
  const SECRETS = /hunter2|token=|frag/;

  interface Failing {
    readonly code: ErrorCode;
    readonly script: PeerScript;
    readonly says: RegExp;
    readonly pool?: PoolConfigInput;
    readonly options?: SendOptions;
    readonly request?: RequestInit;
  }
  const cases: Failing[] = [
    {
      code: 'HOTARU_HEADERS_TIMEOUT',
      script: silent,
      options: { headersTimeout: 30 },
      says: /^no answer within 30 ms$/,
    },
    {
      code: 'HOTARU_DEADLINE_EXCEEDED',
      script: silent,
      options: { timeout: 30 },
      says: /^the call is not done within 30 ms, all it had$/,
    },
    {
      code: 'HOTARU_CONNECTION_CLOSED',
      script: async (peer) => {
        await peer.readRequest();
        peer.reset();
      },
      says: /^the connection broke before it answered: the peer reset the connection \(ECONNRESET\)$/,
    },
    { code: 'HOTARU_PROTOCOL_ERROR', script: says('garbage\r\n\r\n'), says: /RFC 9112/ },
    {
      code: 'HOTARU_RESPONSE_TOO_LARGE',
      script: says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789'),
      options: { maxResponseSize: 4 },
      says: /^the response body is larger than maxResponseSize \(4 bytes\)$/,
    },
    {
      code: 'HOTARU_CONNECTION_CLOSED',
      script: says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234'),
      says: /./,
    },
    {
      code: 'HOTARU_BODY_TIMEOUT',
      script: async (peer) => {
        await peer.readRequest();
        await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234');
      },
      options: { bodyTimeout: 30 },
      says: /^nothing of the response body came for 30 ms$/,
    },
    {
      code: 'HOTARU_DECODE_FAILED',
      script: says('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope'),
      says: /^the body is not valid gzip/,
    },
    {
      code: 'HOTARU_DECODE_FAILED',
      script: says('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<b/>'),
      says: /^the body is not JSON \(status 200, text\/html\)$/,
    },
    {
      code: 'HOTARU_INVALID_REQUEST',
      script: silent,
      request: { headers: { 'bad name': 'x' } },
      says: /^header name "bad name" is no token/,
    },
    {
      code: 'HOTARU_INVALID_REQUEST',
      script: silent,
      options: { retries: 3 } as SendOptions,
      says: /^the option retries is not known/,
    },
    {
      code: 'HOTARU_POOL_EXHAUSTED',
      script: silent,
      pool: { maxPerHost: 1, maxPending: 0 },
      says: /^no more requests may wait for a connection \(1 active, 0 idle, .*\(maxPerHost\); 0 in line of at most 0 \(maxPending\)/,
    },
    {
      code: 'HOTARU_ACQUIRE_TIMEOUT',
      script: silent,
      pool: { maxPerHost: 1, acquireTimeout: 500 },
      says: /^no connection within the acquireTimeout of 500 ms \(1 active/,
    },
  ];

  it.each(cases)('$code: $says', async ({ code, script, says: text, ...given }) => {
    const upstream = await upstreamOf(script);
    const pool = poolWith({ timeout: 2_000, ...given.pool });
    if (given.pool !== undefined) {
      void pool.sendRequest(upstream.url).catch(() => undefined);
      await upstream.waitForRequests(1);
    }
    const request = { method: 'post', path: '/users/7?token=hunter2', ...given.request };
    const error = await failureOf(
      (async () => {
        const res = await pool.sendRequest(`${upstream.url}/v1`, request, given.options);
        await res.json();
      })(),
    );
    const { origin } = new URL(upstream.url);
    const lead = `POST ${origin}/v1/users/7: `;
    expect(error).toMatchObject({ code, method: 'POST', origin, path: '/v1/users/7' });
    expect(error.message.slice(0, lead.length)).toBe(lead);
    expect(error.message.slice(lead.length)).toMatch(text);
    expect(error.stack?.startsWith(`${error.name}: ${lead}`), error.stack).toBe(true);
    expect(error.stack, 'the line of the caller').toContain('call-names.test.ts');
    expect(`${error.message}${error.stack}`).not.toMatch(SECRETS);
    expect(error).toMatchObject({ upstream: undefined, target: undefined });
  });

  it('names each of the calls that one failed dial ends', async () => {
    const upstream = await upstreamOf(silent);
    const { url } = upstream;
    await upstream.close();
    const pool = poolWith({ maxDialing: 1 });
    const errors = await Promise.all(
      [1, 2, 3].map((id) => failureOf(pool.sendRequest(url, getRequest(`/${id}`)))),
    );
    for (const [index, error] of errors.entries()) {
      expect(error.message).toBe(
        `GET ${url}/${index + 1}: the connection was refused: nothing listens there (ECONNREFUSED ${url.slice(7)})`,
      );
      expect(error).toMatchObject({ path: `/${index + 1}`, phase: 'connect' });
      expect(error.stack?.split('\n')[0]).toBe(`ConnectError: ${error.message}`);
    }
  });

  it.each([
    ['http://user:hunter2@[bad]/', 'http://[bad]/'],
    ['http:/user:hunter2@api.test/', 'http:/api.test/'],
    ['http:user:hunter2@api.test/', 'http:api.test/'],
    ['//user:hunter2@api.test/', '//api.test/'],
    ['user:hunter2@api.test', 'api.test'],
    ['http://user:hunter2/x@api.test/', 'http://api.test/'],
    ['http://user:hunter2#x@api.test/', 'http://api.test/'],
    ['http://user:hunter2?x@api.test/', 'http://api.test/'],
    ['http://user:x@hunter2@api.test:bad/', 'http://api.test:bad/'],
    ['http://api.test:99999/?token=hunter2', 'http://api.test:99999/'],
    ['http://api.test:bad/@scope', 'http://scope'],
    ['http://api.test/@scope/a b', 'http://api.test/@scope/a b'],
    ['/relative/@me?token=hunter2', '/relative/@me'],
  ])('says nothing secret of %s, in no field and no cause', async (target, shown) => {
    const pool = poolWith();
    const error = await failureOf(pool.sendRequest(target));
    expect(error.message.slice(0, shown.length + 6)).toBe(`GET ${shown}: `);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(SECRETS);
    expect(inspect(error)).not.toContain('user:');
    pool.close();
  });

  it('has its facts, too, when the answer has come: a body that is no JSON, one that is read twice', async () => {
    const upstream = await upstreamOf(async (peer) => {
      for await (const request of peer.incoming()) {
        expect(request.method).toBe('POST');
        await peer.write(CANNED);
      }
    });
    const pool = poolWith();
    await (await pool.sendRequest(upstream.url, { method: 'POST' })).text();
    const res = await pool.sendRequest(upstream.url, { method: 'POST' });
    for (const error of [await failureOf(res.json()), await failureOf(res.text())]) {
      expect(error).toMatchObject({ reusedConnection: true, responseStarted: true });
      expect(error.elapsedMs).toBeGreaterThan(0);
      expect(error.bytesSent).toBeGreaterThan(0);
      expect(error.retrySafe).toBe(false);
    }
  });

  it('says nothing of the query of a path that is refused', async () => {
    const pool = poolWith();
    const error = await failureOf(
      pool.sendRequest('http://api.test', getRequest('/a?token=hunter2#x')),
    );
    expect(inspect(error)).not.toMatch(SECRETS);
    expect(error.message).toContain('"/a" has a control character');
    pool.close();
  });

  it.each([
    'location: /a?token=hunter2\r\nlocation: http://user:hunter2@api.test/b?token=hunter2',
    'location: http://user:hunter2@[api.test/b?token=hunter2',
    'location: http://user:hunter2@api.test/b?token=hunter2',
  ])('says nothing secret of a redirect that can’t be followed: %s', async (fields) => {
    const upstream = await upstreamOf(async (peer) => {
      await peer.readRequest();
      await peer.write(`HTTP/1.1 302 Found\r\n${fields}\r\ncontent-length: 0\r\n\r\n`);
    });
    const pool = poolWith();
    const error = await failureOf(
      pool.sendRequest(`${upstream.url}/?token=hunter2`, {}, { redirect: 'follow' }),
    );
    expect(error.code).toBe('HOTARU_PROTOCOL_ERROR');
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(SECRETS);
    pool.close();
  });

  it('names a call of a closed pool, and one whose target is no URL, without its secrets', async () => {
    const pool = poolWith();
    for (const [target, lead] of [
      ['localhost:3000/x?token=hunter2', 'GET localhost:3000/x: '],
      ['https://user:hunter2@api.test/x y?token=1', 'GET https://api.test/x y: '],
      ['https://user:hunter2@api.test/x?token=1#frag', 'GET https://api.test/x: '],
      [undefined, 'GET (undefined): '],
    ] as const) {
      const error = await failureOf(pool.sendRequest(target as string));
      expect(error.code).toBe('HOTARU_INVALID_REQUEST');
      expect(error.message.slice(0, lead.length)).toBe(lead);
      expect(`${error.message}${error.stack}`).not.toMatch(SECRETS);
    }
    pool.close();
    const error = await failureOf(pool.sendRequest('https://api.test:8443/a', { path: 'b?c=1' }));
    expect(error.message).toBe(
      'GET https://api.test:8443/a/b: the pool is closed and admits no more work',
    );
    expect(error).toMatchObject({ origin: 'https://api.test:8443', path: '/a/b', method: 'GET' });
  });

  it('names a redirect that cannot be followed by the call that was made', async () => {
    const upstream = await upstreamOf(async (peer) => {
      for (;;) {
        await peer.readRequest();
        await peer.write(
          'HTTP/1.1 302 Found\r\nLocation: /again?token=hunter2\r\nContent-Length: 0\r\n\r\n',
        );
      }
    });
    const error = await failureOf(
      poolWith().sendRequest(upstream.url, getRequest('/start'), { redirect: 'follow' }),
    );
    expect(error.message).toBe(
      `GET ${upstream.url}/start: more than 10 redirects, the last to /again`,
    );
  });

  it('leaves the reason of an abort as it is', async () => {
    const upstream = await upstreamOf(silent);
    const controller = new AbortController();
    const call = poolWith().sendRequest(upstream.url, {}, { signal: controller.signal });
    await upstream.waitForRequests(1);
    const reason = new HotaruClientError('HOTARU_INVALID_STATE', 'mine');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(reason).toMatchObject({ message: 'mine', method: undefined });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('names the call of a body that is used twice, or whose stream is locked', async () => {
    const upstream = await upstreamOf(async (peer) => {
      for (;;) {
        await peer.readRequest();
        await peer.write(CANNED);
      }
    });
    const pool = poolWith();
    const res = await pool.sendRequest(upstream.url, getRequest('/a'));
    await res.text();
    const error = await failureOf(res.bytes());
    expect(error.message).toBe(`GET ${upstream.url}/a: the body was read already`);
    const other = await pool.sendRequest(upstream.url, getRequest('/b'));
    const { body } = other;
    body.getReader();
    expect(() => body[Symbol.asyncIterator]()).toThrow(`GET ${upstream.url}/b: the body stream is`);
  });
});

describe('the error of a raw connection', () => {
  it('names the origin, of acquire() and of warm()', async () => {
    const upstream = await upstreamOf(silent);
    const { url } = upstream;
    await upstream.close();
    const pool = poolWith();
    const refused = await failureOf(pool.acquire(url));
    expect(refused.message).toMatch(`acquire ${url}: the connection was refused`);
    expect(refused).toMatchObject({ origin: url, method: undefined, path: undefined });
    expect(refused.stack).toContain('call-names.test.ts');
    const count = await failureOf(pool.warm('https://api.test', -1));
    expect(count.message).toMatch('warm https://api.test: warm() takes a whole number');
    const host = await failureOf(pool.acquire('no host', 80));
    expect(host.message).toMatch('acquire no host: host must be');
    pool.close();
    const closed = await failureOf(pool.acquireTls('::1', 443));
    expect(closed.message).toBe(
      'acquire https://[::1]: the pool is closed and admits no more work',
    );
  });

  it('names the origin when a lease is read after the peer has gone', async () => {
    const upstream = await upstreamOf(async (peer) => {
      await peer.readRequest();
      peer.reset();
    });
    const lease = await poolWith().acquire(upstream.url);
    await lease.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const error = await failureOf(
      (async () => {
        for (;;) await lease.read();
      })(),
    );
    expect(error.message).toBe(
      `connection to ${upstream.url}: the connection was closed: the peer reset the connection (ECONNRESET)`,
    );
    expect(error).toMatchObject({ origin: upstream.url });
    lease.discard();
  });
});

describe('the stack of an error', () => {
  it('has the functions that await the call, innermost first, at no cost to calls that succeed', async () => {
    const upstream = await upstreamOf(silent);
    const pool = poolWith({ reportLeaks: false, headersTimeout: 20 });
    const inner = async (): Promise<void> => {
      await pool.sendRequest(upstream.url);
    };
    const outer = async (): Promise<void> => {
      await Promise.all([inner()]);
    };
    const { stack = '' } = await failureOf(outer());
    expect(stack.split('\n')[1]).toMatch(/at (?:async )?inner .*call-names\.test\.ts/);
    expect(stack).toMatch(/at (?:async )?Promise\.all \(index 0\)/);
    expect(stack).toMatch(/at (?:async )?outer .*call-names\.test\.ts/);
  });

  it('has the line of the call where call sites are recorded, even when nothing awaits it yet', async () => {
    const upstream = await upstreamOf(silent);
    const pool = poolWith({ reportLeaks: true, headersTimeout: 20 });
    const startCall = (): Promise<unknown> => pool.sendRequest(upstream.url);
    const call = startCall();
    const failed = new Promise<HotaruClientError>((resolve) => {
      call.then(undefined, resolve);
    });
    const { stack = '' } = await failed;
    expect(stack.split('\n')[1]).toMatch(/at startCall .*call-names\.test\.ts/);
  });

  it.each([
    ['is not JSON', 'Content-Length: 4\r\n\r\n<no>'],
    ['is cut short', 'Content-Length: 9\r\n\r\n{"a'],
    ['is not gzip', 'Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n<no>'],
  ])('has the line of the call where nothing awaits a body that %s', async (_what, answer) => {
    const upstream = await upstreamOf(async (peer) => {
      await peer.readRequest();
      await peer.write(`HTTP/1.1 200 OK\r\n${answer}`);
      peer.end();
    });
    const pool = poolWith({ reportLeaks: true });
    const handler = async (): Promise<unknown> => {
      const res = await pool.sendRequest(upstream.url);
      return res.json();
    };
    const error = await failureOf(new Promise((_resolve, reject) => void handler().catch(reject)));
    expect(error.stack?.split('\n')[1]).toMatch(/at (?:async )?handler .*call-names\.test\.ts/);
    expect(error.elapsedMs).toBeGreaterThan(0);
  });

  it('has the reader of a body that breaks', async () => {
    const upstream = await upstreamOf(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234');
      peer.end();
    });
    const pool = poolWith({ reportLeaks: false });
    const readWhole = async (): Promise<void> => {
      const res = await pool.sendRequest(upstream.url);
      await res.bytes();
    };
    const readPieces = async (): Promise<void> => {
      const res = await pool.sendRequest(upstream.url);
      for await (const piece of res.body) expect(piece).toHaveLength(4);
    };
    expect((await failureOf(readWhole())).stack).toMatch(/at (?:async )?readWhole .*call-names/);
    expect((await failureOf(readPieces())).stack).toMatch(/at (?:async )?readPieces .*call-names/);
  });
});

describe('a dial that fails says why, in words', () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await testCertificates();
  });

  const failed = async (tls: object, options: SendOptions = {}): Promise<HotaruClientError> => {
    const upstream = await upstreamOf(silent, tls);
    return failureOf(poolWith().sendRequest(upstream.url, getRequest('/x'), options));
  };

  it.each([
    [
      'selfSigned',
      'the certificate of localhost is self-signed: if you trust it, give it as tls.ca (DEPTH_ZERO_SELF_SIGNED_CERT)',
    ],
    [
      'expired',
      'the certificate of localhost has expired: the server has to renew it (CERT_HAS_EXPIRED)',
    ],
    [
      'notYetValid',
      'the certificate of localhost is not valid yet: look at the clocks of both machines (CERT_NOT_YET_VALID)',
    ],
    [
      'wrongHost',
      'the certificate is for other names (wrong.example), not for localhost: call it by one of those, or give one as tls.servername (ERR_TLS_CERT_ALTNAME_INVALID)',
    ],
  ] as const)('%s', async (name, text) => {
    const tls = name === 'selfSigned' ? {} : { ca: certificates.ca };
    const error = await failed(certificates[name], { tls });
    expect(error).toMatchObject({ code: 'HOTARU_TLS_FAILED', phase: 'tls', path: '/x' });
    expect(error.message).toBe(`GET ${error.origin}/x: ${text}`);
  });

  it('an authority that is not known', async () => {
    const error = await failed(certificates.localhost);
    expect(error.message).toContain(
      'comes from an unknown authority: give its certificate as tls.ca',
    );
  });

  it('a version of TLS that is not common', async () => {
    const error = await failed(
      { ...certificates.localhost, maxVersion: 'TLSv1.2' },
      { tls: { ca: certificates.ca, minVersion: 'TLSv1.3' } },
    );
    expect(error.message).toMatch(/TLS version.*tls\.minVersion and tls\.maxVersion.*\(ERR_SSL_/);
  });

  it('a port that does not speak TLS', async () => {
    const upstream = await upstreamOf((peer) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await failureOf(poolWith().sendRequest(upstream.url.replace('http', 'https')));
    expect(error.message).toContain('the peer does not answer with TLS: is this an http:// port');
    expect(error.phase).toBe('tls');
  });

  it('a handshake that is not done in time, and one that the peer ends', async () => {
    const mute = await upstreamOf(() => undefined);
    const slow = await failureOf(
      poolWith({ connectTimeout: 50 }).sendRequest(mute.url.replace('http', 'https')),
    );
    expect(slow).toMatchObject({ code: 'HOTARU_CONNECT_TIMEOUT', phase: 'tls' });
    expect(slow.message).toMatch(/: the TLS handshake was not done within 50 ms$/);
    const rude = await upstreamOf((peer) => peer.end());
    const ended = await failureOf(poolWith().sendRequest(rude.url.replace('http', 'https')));
    expect(ended.message).toMatch(/: the peer closed the connection in the TLS handshake$/);
  });

  it('a name that does not exist', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.test'), {
      code: 'ENOTFOUND',
    });
    const pool = new ConnectionPool({}, { resolve: () => Promise.reject(notFound) });
    onTestFinished(() => pool.close());
    const error = await failureOf(pool.sendRequest('http://nowhere.test/x'));
    expect(error).toMatchObject({ code: 'HOTARU_CONNECT_FAILED', phase: 'dns' });
    expect(error.message).toBe(
      'GET http://nowhere.test/x: there is no such host name: nowhere.test (ENOTFOUND)',
    );
  });
});

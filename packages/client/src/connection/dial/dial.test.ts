import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { testCertificates } from '../../../test/certificates.js';
import { ConnectionPool } from '../../connection-pool.js';
import { ScriptedUpstream } from '../../testing/index.js';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the socket of a TLS connection', () => {
  it.each([
    ['sends at once, whatever the peer has acknowledged', 'setNoDelay', [true]],
    ['is probed while it is quiet', 'setKeepAlive', [true, 15_000]],
  ] as const)('%s', async (_what, method, said) => {
    const spy = vi.spyOn(net.Socket.prototype, method);
    const { ca, localhost } = await testCertificates();
    await using upstream = await ScriptedUpstream.start({ tls: localhost });
    await using pool = new ConnectionPool({ hosts: { localhost: { tls: { ca } } } });
    using lease = await pool.acquireTls('localhost', upstream.port);
    const { socket } = lease.connection;
    expect(socket).toBeInstanceOf(TLSSocket);
    const calls = spy.mock.calls.filter((_call, i) => spy.mock.contexts[i] === socket);
    expect(calls).toEqual([said]);
  });
});

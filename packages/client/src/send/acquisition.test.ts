/** Getting a connection that may be written to: what its owner is told in each case, and what goes back. */
import { describe, expect, it } from 'vitest';
import { FakeCalls, polled, type FakeCallHost } from '../../test/support/fake-calls.js';
import type { ScriptedConnection } from '../../test/support/scripted-connection.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import { ConnectError, HotaruClientError, type TransportError } from '../errors.js';
import { Acquisition, type AcquisitionOwner } from './acquisition.js';

class Owner implements AcquisitionOwner<ScriptedConnection> {
  readonly told: string[] = [];
  connection: ScriptedConnection | undefined = undefined;
  error: Error | undefined = undefined;

  acquired(connection: ScriptedConnection, isReused: boolean): void {
    this.connection = connection;
    this.told.push(`acquired ${isReused ? 'reused' : 'fresh'}`);
  }
  unfit(connection: ScriptedConnection, isReused: boolean, error: TransportError): void {
    this.error = error;
    this.told.push(`unfit ${connection.id} ${isReused ? 'reused' : 'fresh'}`);
  }
  refused(error: Error): void {
    this.error = error;
    this.told.push('refused');
  }
  served(): void {
    this.told.push('served');
  }
  waiting(): void {
    this.told.push('waiting');
  }
  dialling(): void {
    this.told.push('dialling');
  }
}

function setUp(config: PoolConfigInput = {}, mayPeerSpeakFirst = false) {
  const host = new FakeCalls(config).host();
  const owner = new Owner();
  const acquisition = new Acquisition<ScriptedConnection>(host.pool, owner, mayPeerSpeakFirst);
  return { host, owner, acquisition };
}

/** One idle connection. */
async function idle(host: FakeCallHost): Promise<ScriptedConnection> {
  const owner = new Owner();
  new Acquisition<ScriptedConnection>(host.pool, owner, true).start(false, false);
  const connection = host.connects();
  await polled();
  host.pool.release(connection, true);
  return connection;
}

describe('an acquisition', () => {
  it('takes what is idle, after a whole poll of its socket', async () => {
    const { host, owner, acquisition } = setUp();
    const connection = await idle(host);
    acquisition.start(false, false);
    expect([owner.told, acquisition.phase]).toEqual([[], 'send']);
    await polled();
    expect([owner.told, owner.connection]).toEqual([['acquired reused'], connection]);
  });

  it('has what needs no poll at once', async () => {
    const { host, owner, acquisition } = setUp();
    const connection = await idle(host);
    connection.needsPoll = false;
    acquisition.start(false, false);
    expect([owner.told, owner.connection]).toEqual([['acquired reused'], connection]);
    host.pool.release(connection, true);
  });

  it('waits for a dial else: a connection from there is polled, too', async () => {
    const { host, owner, acquisition } = setUp();
    acquisition.start(false, false);
    expect(owner.told).toEqual(['waiting', 'dialling']);
    expect([acquisition.phase, acquisition.isDialling]).toEqual(['connect', true]);
    host.connects();
    expect(owner.told.at(-1)).toBe('served');
    await polled();
    expect(owner.told).toEqual(['waiting', 'dialling', 'served', 'acquired fresh']);
  });

  it('over raw bytes a fresh connection is had at once: its peer may speak first', async () => {
    const { host, owner, acquisition } = setUp({}, true);
    acquisition.start(false, false);
    host.connects();
    expect(owner.told.at(-1)).toBe('acquired fresh');
    host.pool.release(owner.connection!, true);
    acquisition.start(false, false);
    expect(owner.told.at(-1), 'one that was idle is polled').toBe('acquired fresh');
    await polled();
    expect(owner.told.at(-1)).toBe('acquired reused');
  });

  it('that needs a fresh one leaves those that are idle', async () => {
    const { host, owner, acquisition } = setUp();
    await idle(host);
    acquisition.start(true, false);
    expect(owner.told).toEqual(['waiting', 'dialling']);
    expect(host.dialCount).toBe(1);
  });

  it('waits in the queue where all are in use', async () => {
    const { host, owner, acquisition } = setUp({ maxPerHost: 1 });
    const connection = await idle(host);
    host.pool.take();
    acquisition.start(false, false);
    expect([owner.told, acquisition.phase]).toEqual([['waiting'], 'queue']);
    host.pool.release(connection, true);
    await polled();
    expect(owner.told).toEqual(['waiting', 'served', 'acquired reused']);
  });

  it.each([
    ['and was reused', true, undefined, /ended the connection, or spoke unasked/],
    ['straight from its dial', false, new Error('reset'), /broke before anything was sent: reset/],
  ])(
    'finds one unfit that ends while it is polled, %s',
    async (_what, isReused, cause, message) => {
      const { host, owner, acquisition } = setUp();
      if (isReused) await idle(host);
      acquisition.start(false, false);
      if (!isReused) host.connects();
      host.connections[0]!.close(cause);
      await polled();
      expect(owner.told.at(-1)).toBe(`unfit 0 ${isReused ? 'reused' : 'fresh'}`);
      expect(owner.error?.message).toMatch(message);
      expect(owner.error?.cause).toBe(cause);
      expect(host.pool.activeCount).toBe(0);
    },
  );

  it('is refused with an error of its own when a dial fails', () => {
    const { host, owner, acquisition } = setUp();
    acquisition.start(false, false);
    const error = new ConnectError('HOTARU_CONNECT_FAILED', 'refused');
    host.refuses(error);
    expect(owner.told.at(-1)).toBe('refused');
    expect(owner.error).toBeInstanceOf(ConnectError);
    expect(owner.error).not.toBe(error);
  });

  it('is refused while the host drains, unless it was admitted before', () => {
    const { host, owner, acquisition } = setUp();
    host.pool.drain();
    acquisition.start(false, true);
    expect(owner.told).toEqual(['waiting', 'dialling']);
    const late = new Owner();
    new Acquisition<ScriptedConnection>(host.pool, late, false).start(false, false);
    expect(late.told).toEqual(['waiting', 'refused']);
    expect((late.error as HotaruClientError).code).toBe('HOTARU_POOL_CLOSED');
  });
});

describe('an acquisition that is cancelled', () => {
  it('leaves the queue', async () => {
    const { host, owner, acquisition } = setUp({ maxPerHost: 1 });
    const connection = await idle(host);
    host.pool.take();
    acquisition.start(false, false);
    acquisition.cancel();
    expect(host.pool.waiterCount).toBe(0);
    host.pool.release(connection, true);
    await polled();
    expect(owner.told).toEqual(['waiting']);
  });

  it('gives back what it polls, as good as it was', async () => {
    const { host, owner, acquisition } = setUp();
    const connection = await idle(host);
    acquisition.start(false, false);
    acquisition.cancel();
    expect([...host.pool.idle]).toEqual([connection]);
    await polled();
    expect(owner.told).toEqual([]);
  });

  it('has nothing to give back when it had its connection', async () => {
    const { host, owner, acquisition } = setUp();
    await idle(host);
    acquisition.start(false, false);
    await polled();
    acquisition.cancel();
    expect(host.pool.activeCount, 'it is its owner’s').toBe(1);
    expect(owner.told).toEqual(['acquired reused']);
  });

  it('says for what its time ran out: a dial, or nothing of the kind', () => {
    const { host, acquisition } = setUp({ maxPerHost: 1 });
    expect(acquisition.connectTimeout(5, 'connectTimeout')).toBeUndefined();
    acquisition.start(false, false);
    expect(acquisition.connectTimeout(5, 'connectTimeout')).toMatchObject({
      code: 'HOTARU_CONNECT_TIMEOUT',
      message: 'no connection after 5 ms (connectTimeout): no TCP connection',
      phase: 'connect',
    });
    expect(host.dialCount).toBe(1);
  });
});

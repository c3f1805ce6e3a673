/** What a call remembers: the times of its phases, its connection, what was tried before. */
import { describe, expect, it } from 'vitest';
import { FakeCalls } from '../../test/support/fake-calls.js';
import { ScriptedConnection } from '../../test/support/scripted-connection.js';
import { HotaruClientError, TransportError } from '../errors.js';
import { CallRecord } from './call-record.js';
import { prepare } from './prepare.js';

function setUp() {
  const calls = new FakeCalls();
  calls.clock.advance(100);
  const call = calls.call({ url: 'http://api.test/a?b', request: { method: 'POST' } });
  const record = new CallRecord(calls.clock, prepare(call), call);
  const dialTiming = { dns: 1, connect: 2, tls: 4 };
  const connection = new ScriptedConnection(calls.clock, { id: 7, dialTiming });
  return { calls, call, record, connection, clock: calls.clock };
}

describe('the times of a call', () => {
  it('are each of its phase: the dial is no queueing, and total goes on until the end', () => {
    const { record, connection, clock } = setUp();
    clock.advance(10);
    connection.record.lastUsedAtMs = clock.now();
    record.connectedTo(connection, false, 100);
    clock.advance(5);
    record.sentAtMs = clock.now();
    clock.advance(20);
    record.headAtMs = clock.now();
    clock.advance(40);
    const timing = { queue: 3, dns: 1, connect: 2, tls: 4, send: 5, ttfb: 20 };
    expect(record.timing()).toEqual({ ...timing, total: 75 });
    record.endedAtMs = clock.now();
    clock.advance(1_000);
    expect(record.timing().total).toBe(75);
  });

  it('have no dial on a connection that was reused; the wait is from when it was asked for', () => {
    const { record, connection, clock } = setUp();
    connection.record.lastUsedAtMs = 20; // idle since before the call
    record.connectedTo(connection, true, 100);
    clock.advance(5);
    record.sentAtMs = clock.now();
    expect(record.timing()).toMatchObject({ queue: 0, dns: 0, connect: 0, tls: 0, send: 5 });
  });

  it('stop at zero for a response that came before the request was out', () => {
    const { record, connection, clock } = setUp();
    record.connectedTo(connection, true, clock.now());
    clock.advance(5);
    record.headAtMs = clock.now();
    expect(record.timing()).toMatchObject({ send: 0, ttfb: 0 });
    clock.advance(5);
    record.sentAtMs = clock.now();
    expect(record.timing().ttfb).toBe(0);
  });

  it('are counted from the first request of the call; its own phases from its own beginning', () => {
    const { calls, call, clock } = setUp();
    clock.advance(50);
    const next = call.another('http://b.test', {}, call.options);
    const record = new CallRecord(clock, prepare(next), next);
    expect([record.calledAtMs, record.startedAtMs]).toEqual([100, 150]);
    clock.advance(10);
    expect([record.elapsedMs, calls.clock.now()]).toEqual([60, 160]);
    record.connectedTo(new ScriptedConnection(clock), true, clock.now());
    expect(record.timing()).toMatchObject({ queue: 10, total: 60 });
  });
});

describe('what was tried', () => {
  const closed = new TransportError('HOTARU_CONNECTION_CLOSED', 'why');
  const tried = {
    connectionId: 7,
    reusedConnection: true,
    code: 'HOTARU_CONNECTION_CLOSED',
    message: 'why',
  };

  it('is nothing at first, then a list of its own', () => {
    const { record, connection, call } = setUp();
    expect(record.attempts).toEqual([]);
    record.connectedTo(connection, true, 100);
    record.addAttempt(connection, closed);
    expect(record.attempts).toEqual([tried]);
    expect(call.attempts).toBeUndefined();
  });

  it('is one list for all requests of a call', () => {
    const { call, clock, connection } = setUp();
    const next = call.another('http://b.test', {}, call.options);
    const records = [call, next].map((each) => new CallRecord(clock, prepare(each), each));
    records[0]!.connectedTo(connection, true, 100);
    records[0]!.addAttempt(connection, closed);
    expect(records[1]!.attempts).toEqual([tried]);
  });
});

describe('what is said of a call', () => {
  it('is its URL and its connection', () => {
    const { record, connection } = setUp();
    expect(() => record.connectionInfo).toThrow('without a connection');
    connection.record.requestCount = 3;
    record.connectedTo(connection, true, 100);
    record.sentOn(connection);
    connection.record.requestCount = 4; // by a later request
    expect([record.url, record.method]).toEqual(['http://api.test/a?b', 'POST']);
    expect(record.connectionInfo).toEqual({
      id: 7,
      reused: true,
      requestCount: 3,
      protocol: 'http/1.1',
      remoteAddress: '127.0.0.1',
    });
  });

  it('is put on an error, with what is known by then, once', () => {
    const { record, clock, connection } = setUp();
    clock.advance(9);
    record.connectedTo(connection, true, 100);
    record.bytesSent = 5;
    record.headAtMs = clock.now();
    const error = new HotaruClientError('HOTARU_BODY_USED', 'read already');
    record.name(error);
    expect(error).toMatchObject({
      message: 'POST http://api.test/a: read already',
      elapsedMs: 9,
      bytesSent: 5,
      responseStarted: true,
      reusedConnection: true,
    });
    clock.advance(9);
    record.name(error);
    expect(error).toMatchObject({ message: 'POST http://api.test/a: read already', elapsedMs: 9 });
  });

  it('has trailers once they have come', () => {
    const { record } = setUp();
    expect([...record.trailers]).toEqual([]);
    record.trailerSection = { text: 'a=b', offsets: [0, 1, 2, 3] };
    expect(record.trailers.get('a')).toBe('b');
  });

  it('is the line of its caller, and holds neither the call nor its body', () => {
    const { calls } = setUp();
    const call = new FakeCalls({ reportLeaks: true }).call({
      request: { method: 'PUT', body: 'x' },
    });
    const record = new CallRecord(calls.clock, prepare(call), call);
    expect(record.callSite).toBe(call.callSite);
    const held = Object.values(record) as unknown[];
    expect(held).not.toContain(call);
    expect(held).not.toContain(call.request);
  });
});

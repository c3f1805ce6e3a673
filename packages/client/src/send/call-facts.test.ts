/** What a failed call says for certain, and whether it may be sent again: one row for each. */
import { describe, expect, it } from 'vitest';
import { FakeCalls } from '../../test/support/fake-calls.js';
import type { Exchange } from '../connection/exchange.js';
import { HotaruClientError, invalidRequest, TransportError } from '../errors.js';
import type { RequestInit } from '../message/request.js';
import { addFacts, mayReplay } from './call-facts.js';
import { CallRecord } from './call-record.js';
import { prepare, type PreparedRequest } from './prepare.js';

const stream = (async function* () {
  yield 'x';
})();

function prepared(request: RequestInit): PreparedRequest {
  return prepare(new FakeCalls().call({ request }));
}

const GET = prepared({});
const POST = prepared({ method: 'POST', body: 'x' });
const KEYED = prepared({ method: 'POST', body: 'x', headers: { 'idempotency-key': 'k' } });
const STREAM = prepared({ method: 'PUT', body: stream });

function exchange(bytesSent: number, responseStarted = false): Exchange {
  return { bytesSent, responseStarted } as Exchange; // no more of it is asked
}

const CLOSED = new TransportError('HOTARU_CONNECTION_CLOSED', 'closed');
const GARBAGE = new TransportError('HOTARU_PROTOCOL_ERROR', 'garbage');

type Row = [string, Error, PreparedRequest | undefined, Exchange | undefined, boolean, boolean, boolean]; // prettier-ignore
const ROWS: Row[] = [
  // what, error, request, exchange, reused → replayed at once, safe for the caller to repeat
  ['GET, nothing written', CLOSED, GET, exchange(0), true, true, true],
  ['GET, written', CLOSED, GET, exchange(9), true, true, true],
  ['GET, written, on a fresh connection', CLOSED, GET, exchange(9), false, false, true],
  ['GET, the answer had begun', CLOSED, GET, exchange(9, true), true, false, false],
  ['GET, another error', GARBAGE, GET, exchange(9), true, false, true],
  ['GET, an error of another kind', new Error('x'), GET, exchange(9), true, false, true],
  ['POST, nothing written', CLOSED, POST, exchange(0), true, true, true],
  ['POST, written', CLOSED, POST, exchange(9), true, false, false],
  ['POST with a key, written', CLOSED, KEYED, exchange(9), true, true, true],
  ['a stream, nothing written', CLOSED, STREAM, exchange(0), true, true, true],
  ['a stream, written', CLOSED, STREAM, exchange(9), true, false, false],
  ['no exchange yet', CLOSED, POST, undefined, true, false, true],
  ['a request let go of', CLOSED, undefined, exchange(9), true, false, false],
  ['a mistake of the caller', invalidRequest('x'), GET, exchange(0), true, false, false],
];

it.each(ROWS)('%s', (_what, error, request, sent, isReused, isReplayed, isSafe) => {
  expect(mayReplay(error, request, sent, isReused)).toBe(isReplayed);
  if (!(error instanceof HotaruClientError)) return;
  const calls = new FakeCalls();
  const call = calls.call();
  const record = new CallRecord(calls.clock, GET, call);
  addFacts(error, 'send', request, sent, record);
  expect(error.retrySafe).toBe(isSafe);
});

describe('the facts of an error', () => {
  it('are those of the call at that moment; a phase it had is kept', () => {
    const calls = new FakeCalls();
    const record = new CallRecord(calls.clock, GET, calls.call());
    record.isReused = true;
    calls.clock.advance(30);
    const error = new TransportError('HOTARU_CONNECTION_CLOSED', 'closed');
    addFacts(error, 'headers', GET, exchange(7), record);
    expect(error).toMatchObject({
      message: 'GET http://api.test/: closed',
      phase: 'headers',
      elapsedMs: 30,
      bytesSent: 7,
      responseStarted: false,
      reusedConnection: true,
      attempts: [],
    });
    const earlier = new TransportError('HOTARU_CONNECTION_CLOSED', 'closed', { phase: 'tls' });
    addFacts(earlier, 'headers', GET, undefined, record);
    expect(earlier).toMatchObject({ phase: 'tls', bytesSent: 0, responseStarted: false });
  });
});

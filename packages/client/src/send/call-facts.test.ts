/** What a failed call says for certain, and whether it may be sent again: one row for each. */
import { describe, expect, it } from 'vitest';
import { FakeCalls } from '../../test/support/fake-calls.js';
import type { Exchange } from '../connection/exchange.js';
import { HotaruClientError, invalidRequest, TransportError } from '../errors.js';
import type { RequestInit } from '../message/request.js';
import { CONSTANTS } from '../config/constants.js';
import { addFacts, replayOf, type Replay } from './call-facts.js';
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

function exchange(bytesSent: number, responseStarted = false, mayBeSentAgain = false): Exchange {
  return { bytesSent, responseStarted, mayBeSentAgain } as Exchange; // no more of it is asked
}

const UNPROCESSED = exchange(9, false, true);

const CLOSED = new TransportError('HOTARU_CONNECTION_CLOSED', 'closed');
const GARBAGE = new TransportError('HOTARU_PROTOCOL_ERROR', 'garbage');

type Row = [string, HotaruClientError, PreparedRequest | undefined, Exchange | undefined, boolean, Replay, boolean]; // prettier-ignore
const ROWS: Row[] = [
  // what, error, request, exchange, reused → replayed at once, safe for the caller to repeat
  ['GET, nothing written', CLOSED, GET, exchange(0), true, 'fresh', true],
  ['GET, written', CLOSED, GET, exchange(9), true, 'fresh', true],
  ['GET, written, on a fresh connection', CLOSED, GET, exchange(9), false, 'none', true],
  ['GET, the answer had begun', CLOSED, GET, exchange(9, true), true, 'none', false],
  ['GET, another error', GARBAGE, GET, exchange(9), true, 'none', true],
  ['POST, nothing written', CLOSED, POST, exchange(0), true, 'fresh', true],
  ['POST, written', CLOSED, POST, exchange(9), true, 'none', false],
  ['POST with a key, written', CLOSED, KEYED, exchange(9), true, 'fresh', true],
  ['a stream, nothing written', CLOSED, STREAM, exchange(0), true, 'fresh', true],
  ['a stream, written', CLOSED, STREAM, exchange(9), true, 'none', false],
  ['no exchange yet', CLOSED, POST, undefined, true, 'none', true],
  ['a request let go of', CLOSED, undefined, exchange(9), true, 'none', false],
  ['a mistake of the caller', invalidRequest('x'), GET, exchange(0), true, 'none', false],
  ['POST, not acted on', CLOSED, POST, UNPROCESSED, true, 'another', true],
  ['POST, not acted on, on a fresh connection', CLOSED, POST, UNPROCESSED, false, 'another', true],
  ['a stream, not read and not acted on', CLOSED, STREAM, UNPROCESSED, false, 'another', true],
  ['GET, not acted on: whatever the error', GARBAGE, GET, UNPROCESSED, true, 'another', true],
];

it.each(ROWS)('%s', (_what, error, request, sent, isReused, replay, isSafe) => {
  expect(replayOf(error, request, sent, isReused, 0)).toBe(replay);
  const calls = new FakeCalls();
  const call = calls.call();
  const record = new CallRecord(calls.clock, GET, call);
  addFacts(error, 'send', request, sent, record);
  expect(error.retrySafe).toBe(isSafe);
});

it('is not sent again for ever: a peer that refuses it each time means it', () => {
  const { maxRefusals } = CONSTANTS;
  expect(replayOf(CLOSED, POST, UNPROCESSED, true, maxRefusals - 1)).toBe('another');
  expect(replayOf(CLOSED, GET, UNPROCESSED, true, maxRefusals)).toBe('none');
});

it('is not sent again once the answer has begun, whatever the peer says', () => {
  expect(replayOf(CLOSED, GET, exchange(9, true, true), true, 0)).toBe('none');
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

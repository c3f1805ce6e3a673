/** Each stream is told its end, and leaves, whatever its user does from within an event. */
import { expect, it } from 'vitest';
import { block, headers, Lone, ping, REQUEST } from '../../test/support/frames.js';
import { GET, Pair } from '../../test/support/http2.js';

it('a server that answers from within the head of a request without a body is told its end all the same', () => {
  const pair = new Pair();
  pair.serverSide.onServed = (served) => {
    served.on.head = () => served.stream.respond(204, [], true);
  };
  pair.request(GET, true);
  pair.run();
  expect(pair.served[0]!.log).toEqual(['head GET /', 'end']);
  expect(pair.serverSide.log).toContain('closed 1');
});

it.each([
  ['head', ['head 200', 'failed']],
  ['end', ['head 200', 'end']],
])('a user that throws from `%s` of an answer that ends with it is settled', (event, log) => {
  const pair = new Pair();
  const call = pair.request(GET, true);
  const other = pair.request(GET, true);
  const thrown = new Error('thrown by a user');
  call.on[event] = () => {
    throw thrown;
  };
  pair.server.feed(pair.client.takeOutput()!);
  pair.served[0]!.stream.respond(200, [], true);
  expect(() => pair.client.feed(pair.server.takeOutput()!)).toThrow(thrown);
  expect(pair.clientSide.log).toEqual(expect.arrayContaining(['closed 1', 'closed 3']));
  expect(call.log).toEqual(log);
  expect(other.log).toEqual(['failed']);
});

it('a user that throws when its stream fails keeps no other from hearing of it', () => {
  const pair = new Pair();
  const calls = [1, 2, 3].map(() => pair.request(GET, true));
  const thrown = new Error('thrown by a user');
  calls[0]!.on.failed = () => {
    throw thrown;
  };
  pair.run();
  expect(() => pair.client.fail(new Error('lost'))).toThrow(thrown);
  expect(calls.map(({ log }) => log)).toEqual([['failed'], ['failed'], ['failed']]);
  expect(pair.client.activeCount).toBe(0);
});

it('a GOAWAY for an error names no higher stream than one before it: what that left out was ignored (§6.8)', () => {
  const lone = new Lone('server');
  lone.feed(headers(1, block(...REQUEST)));
  lone.codec.goaway(0, false);
  lone.feed(headers(3, block(...REQUEST)));
  expect(lone.refusal(ping('1234567'))).toBe('frame-size');
  expect(lone.said()).toEqual(['GOAWAY 1 0', 'GOAWAY 1 6']);
});

it('what was answered is not called unprocessed, whatever a GOAWAY says of it later', () => {
  const pair = new Pair();
  const call = pair.request({ ...GET, method: 'POST' });
  pair.run();
  pair.served[0]!.stream.respond(200, [], false);
  pair.run();
  // GOAWAY with 0 as the last stream.
  pair.client.feed(Buffer.from('0000080700000000000000000000000000', 'hex'));
  expect(call.log).toEqual(['head 200', 'failed']);
});

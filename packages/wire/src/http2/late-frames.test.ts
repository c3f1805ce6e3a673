/** Frames for streams that are closed on one side or both: by how they were closed (RFC 9113 §5.1). */
import { describe, expect, it } from 'vitest';
import {
  block,
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  Lone,
  OK,
  POST,
  REQUEST,
  rst,
  windowUpdate,
} from '../../test/support/frames.js';
import { fieldsOf } from '../head.js';

/** `x-a: 1`, put into the table; and what stands first in the table. */
const INDEXING = Buffer.from('4003782d610131', 'hex');
const FIRST = Buffer.from([0xbe]);

describe('of a stream that we have reset', () => {
  it('are ignored, and their header blocks decoded', () => {
    const lone = new Lone('client');
    const [call, next] = [lone.request(), lone.request()];
    call.stream.reset(8);
    expect(call.log).toEqual([]);
    expect(lone.side.log).toContain('closed 1');
    lone.said();
    lone.feed(headers(1, Buffer.concat([OK, INDEXING]), END_HEADERS), data(1, 'a'), rst(1));
    lone.feed(windowUpdate(1, 5), headers(3, Buffer.concat([OK, FIRST])));
    expect([...fieldsOf(next.head!)]).toEqual([['x-a', '1']]);
    expect([call.log, lone.said()]).toEqual([[], []]);
  });

  it('count for the window of the connection, whose credit is given back', () => {
    const lone = new Lone('client', { connectionWindowBytes: 65_535 });
    const call = lone.request();
    lone.feed(headers(1, OK, END_HEADERS));
    call.stream.reset(8);
    lone.said();
    for (let i = 0; i < 100; i += 1) lone.feed(data(1, Buffer.alloc(16_384)));
    const given = lone.said().map((said) => Number(/^WINDOW_UPDATE (\d+)$/.exec(said)![1]));
    expect(given.length).toBeGreaterThan(20);
    const used = 100 * 16_384 - given.reduce((sum, credit) => sum + credit, 0);
    expect(used).toBeLessThan(65_535 / 2);
    expect(
      lone.refusal(...new Array<Buffer>(5).fill(data(1, Buffer.alloc(16_384)))),
    ).toBeUndefined();
  });

  it('are ignored when that was so long ago that it was forgotten', () => {
    const lone = new Lone('client', { idleFrameAllowance: 10 });
    for (let i = 0; i < 1_000; i += 1) lone.request().stream.reset(8);
    lone.said();
    lone.feed(headers(1, OK, END_HEADERS), data(1, 'a'), headers(1_001, OK), data(1_999, 'a'));
    expect(lone.said()).toEqual([]);
  });
});

describe('of a stream that the peer has reset', () => {
  it.each([
    ['DATA', data(1, 'a')],
    ['HEADERS', headers(1, block('a: 1'))],
  ])('are refused: %s', (_, late) => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...POST), END_HEADERS), rst(1), late);
    expect(lone.said()).toEqual(['RST_STREAM 1 5']);
    expect(lone.side.served[0]!.log).toEqual(['head POST /', 'failed']);
  });

  it('are ignored where they do no harm', () => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...POST), END_HEADERS), rst(1), rst(1), windowUpdate(1, 1));
    expect(lone.said()).toEqual([]);
  });
});

describe('of a stream that has ended on both sides', () => {
  it.each([
    ['DATA', data(1, 'a')],
    ['empty DATA', data(1, '')],
    ['HEADERS', headers(1, block('a: 1'))],
  ])('break the connection: %s', (_, late) => {
    const client = new Lone('client');
    client.request();
    expect(client.refusal(headers(1, OK), late)).toBe('ended-stream');
    expect(client.said().at(-1)).toBe('GOAWAY 0 5');
    const server = new Lone('server');
    server.feed(headers(1, block(...REQUEST)));
    server.side.served[0]!.stream.respond(200, [], true);
    expect(server.refusal(late)).toBe('ended-stream');
  });

  it('are ignored where they may have been on their way: RST_STREAM, WINDOW_UPDATE', () => {
    const lone = new Lone('server');
    lone.feed(headers(1, block(...REQUEST)));
    lone.side.served[0]!.stream.respond(200, [], true);
    lone.said();
    lone.feed(rst(1), windowUpdate(1, 0), windowUpdate(1, 1));
    expect(lone.said()).toEqual([]);
  });
});

describe('of a stream that the peer has ended', () => {
  it.each([
    ['DATA', data(1, 'a')],
    ['HEADERS', headers(1, block('a: 1'))],
  ])('reset it: %s', (_, late) => {
    const client = new Lone('client');
    const call = client.request({ method: 'POST' }, false);
    client.said();
    client.feed(headers(1, OK), late);
    expect(client.said()).toEqual(['RST_STREAM 1 5']);
    expect(call.log).toEqual(['head 200', 'end', 'stop']);
    expect(call.error).toMatchObject({ reason: 'half-closed-stream' });
    const server = new Lone('server');
    server.feed(headers(1, block(...REQUEST)), late);
    expect(server.side.served[0]!.log).toEqual(['head GET /', 'end', 'stop']);
  });

  it('may be credit, and a reset', () => {
    const lone = new Lone('client');
    const call = lone.request({ method: 'POST' }, false);
    lone.feed(headers(1, OK), windowUpdate(1, 10), rst(1, 0));
    expect(call.log).toEqual(['head 200', 'end', 'stop']);
    expect(call.error).toMatchObject({ reason: 'stream-reset', http2Code: 0 });
  });
});

describe('of a stream that we have ended', () => {
  it('are as before: credit is ignored', () => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.feed(windowUpdate(1, 100), headers(1, OK, END_HEADERS), data(1, 'a', END_STREAM));
    expect(call.log).toEqual(['head 200', 'data 1', 'end']);
  });
});

describe('RST_STREAM', () => {
  it.each([
    ['REFUSED_STREAM', 7, true],
    ['CANCEL', 8, false],
    ['NO_ERROR', 0, false],
    ['a code of its own', 0x1234, false],
  ])('before the end fails the call: %s', (_, code, isUnprocessed) => {
    const lone = new Lone('client');
    const call = lone.request();
    expect(call.stream.hasStarted).toBe(false);
    lone.feed(rst(1, code));
    expect(call.stream).toMatchObject({ hasStarted: true, isClosed: true });
    expect(call.error).toMatchObject({ reason: 'stream-reset', http2Code: code });
    expect(call.isUnprocessed).toBe(isUnprocessed);
  });

  it('that refuses what was begun is no refusal', () => {
    const lone = new Lone('client');
    const call = lone.request();
    lone.feed(headers(1, OK, END_HEADERS), rst(1, 7));
    expect(call.log).toEqual(['head 200', 'failed']);
  });
});

describe('a stream has started', () => {
  it('by any frame but credit', () => {
    const lone = new Lone('client');
    const [a, b] = [lone.request({}, false), lone.request()];
    lone.feed(windowUpdate(1, 1), headers(3, block(':status: 100'), END_HEADERS));
    expect([a.stream.hasStarted, b.stream.hasStarted]).toEqual([false, true]);
  });
});

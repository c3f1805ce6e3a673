/** Scripts written for HTTP/1.1, on streams of HTTP/2: held to the client of node:http2. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { turn } from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import { until } from '../waiting.js';
import type { Script } from '../protocols.js';
import { Lanes } from './lanes.js';

interface Answer {
  readonly heads: (number | undefined)[];
  readonly body: string;
  readonly trailers: Record<string, unknown>;
  readonly error: string | undefined;
}

async function scene(...scripts: Script[]) {
  const lanes = (await Lanes.start()).script(scripts);
  const session = http2.connect(lanes.url);
  session.on('error', () => undefined); // its streams tell
  const open = (fields: http2.OutgoingHttpHeaders = {}, isLast = true) => {
    const stream = session.request({ ':path': '/', ...fields }, { endStream: isLast });
    stream.on('error', () => undefined);
    return stream;
  };
  const dispose = async () => {
    const closed = session.destroyed ? undefined : once(session, 'close');
    session.destroy();
    await closed;
    await lanes.close();
  };
  return { lanes, session, open, [Symbol.asyncDispose]: dispose };
}

async function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  const heads: Answer['heads'] = [];
  let trailers: Record<string, unknown> = {};
  let error: string | undefined;
  stream.on('headers', (fields) => heads.push(fields[':status']));
  stream.on('response', (fields) => heads.push(fields[':status']));
  stream.on('trailers', (fields: Record<string, unknown>) => {
    trailers = { ...fields };
  });
  stream.on('error', (thrown: Error) => {
    error = thrown.message;
  });
  const pieces: Buffer[] = [];
  stream.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => stream.once('close', resolve));
  return { heads, body: Buffer.concat(pieces).toString(), trailers: { ...trailers }, error };
}

const after =
  (text: string): Script =>
  async (peer) => {
    await peer.readRequest();
    await peer.write(text);
  };

describe('the text of an answer, in frames', () => {
  it.each<[string, string, Partial<Answer>]>([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { body: 'hello' }],
    ['with nothing', 'HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n', { heads: [201], body: '' }],
    ['without a body', 'HTTP/1.1 204 No\r\n\r\n', { heads: [204], body: '' }],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n',
      { body: 'hello', trailers: {} },
    ],
    [
      'in chunks, with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n',
      { body: 'hello', trailers: { 'x-sum': '5' } },
    ],
    [
      'behind informational ones',
      'HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx',
      { heads: [103, 200], body: 'x' },
    ],
  ])('%s', async (_what, text, expected) => {
    await using whole = await scene(after(text));
    expect(await answerOf(whole.open())).toMatchObject({ error: undefined, ...expected });
    await using dripped = await scene(async (peer) => {
      await peer.readRequest();
      await peer.drip(text);
    });
    expect(await answerOf(dripped.open())).toMatchObject({ error: undefined, ...expected });
  });

  it('until the close', async () => {
    await using all = await scene(async (peer) => {
      await peer.readRequest();
      await peer.write('HTTP/1.1 200 OK\r\n\r\nhello');
      peer.end();
    });
    expect(await answerOf(all.open())).toMatchObject({ error: undefined, body: 'hello' });
  });

  it.each(['end', 'reset'] as const)('cut short by %s() is reset', async (how) => {
    await using all = await scene(async (peer) => {
      await after('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello')(peer);
      await turn();
      peer[how]();
    });
    const answer = await answerOf(all.open());
    expect(answer).toMatchObject({
      body: 'hello',
      error: expect.stringContaining('INTERNAL') as string,
    });
    expect(await all.lanes.connections[0]?.closed).toMatchObject({ how: 'local' });
  });

  it('larger than the windows is written with backpressure', async () => {
    const body = Buffer.alloc(1_048_576, 'x');
    let isWritten = false;
    await using all = await scene(async (peer) => {
      await peer.readRequest();
      await peer.respond(200, {}, body);
      isWritten = true;
    });
    const stream = all.open();
    await once(stream, 'response');
    await turn();
    expect(isWritten).toBe(false);
    expect((await answerOf(stream)).body).toHaveLength(body.length);
    expect(isWritten).toBe(true);
  });
});

describe('lanes', () => {
  const answering: Script = async (peer) => {
    for await (const { target, headers } of peer.incoming())
      await peer.respond(200, {}, `${peer.index} ${target} ${headers['x-a'] ?? ''}`);
  };

  it('serve one request after the other, and open another one beside', async () => {
    await using all = await scene(answering);
    expect((await answerOf(all.open())).body).toBe('0 / ');
    expect((await answerOf(all.open({ 'x-a': 'b' }))).body).toBe('0 / b');
    const both = await Promise.all([answerOf(all.open()), answerOf(all.open())]);
    expect(both.map(({ body }) => body)).toEqual(['0 / ', '1 / ']);
    expect(all.lanes).toMatchObject({ accepted: 2, open: 2 });
    expect(all.lanes.origin.accepted).toBe(1);
    all.session.destroy();
    await all.lanes.waitForOpen(0);
  });

  it('are closed by a reset, and the next stream has the next script', async () => {
    await using all = await scene(async (peer) => {
      await peer.readRequest();
      await peer.stall();
    }, answering);
    const stalled = all.open();
    await all.lanes.waitForRequests(1);
    stalled.close(8);
    expect(await (await all.lanes.connection(0)).waitForClose()).toMatchObject({ how: 'reset' });
    expect((await answerOf(all.open())).body).toBe('1 / ');
  });

  it('read bodies as they come, and hold them back', async () => {
    await using all = await scene(async (peer) => {
      await peer.readHead();
      expect((await peer.readBytes(3)).toString()).toBe('abc');
      expect((await peer.readBytes(3)).toString()).toBe('def');
      peer.pauseReading();
      await peer.waitForClose();
    });
    const stream = all.open({ ':method': 'POST' }, false);
    stream.write('abcdef');
    stream.write(Buffer.alloc(1_048_576));
    const lane = await all.lanes.connection(0);
    await until(() => lane.bytesReceived > 65_000, 'the window is full');
    await turn();
    expect(lane.bytesReceived).toBeLessThan(200_000);
    lane.resumeReading();
    await until(() => lane.bytesReceived > 1_048_576, 'the rest comes');
    stream.close(8);
    await lane.closed;
  });
});

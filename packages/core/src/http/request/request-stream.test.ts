import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConnectionPool } from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { RequestStream } from './request-stream.js';

const streamOf = (...pieces: string[]) => {
  const readable = Readable.from(pieces.map((piece) => Buffer.from(piece)));
  return { readable, stream: new RequestStream(readable) };
};

/** Never gives anything by itself. */
const silent = () => {
  const readable = new Readable({ read: () => undefined });
  return { readable, stream: new RequestStream(readable) };
};

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of stream) text += Buffer.from(piece).toString();
  return text;
}

describe('RequestStream', () => {
  it('gives its pieces in order, and the rest to a loop that comes after a single next()', async () => {
    const { stream } = streamOf('a', 'b', 'c');
    const { value: first } = await stream.next();
    expect(Buffer.from(first ?? []).toString()).toBe('a');
    expect(await textOf(stream)).toBe('bc');
  });

  it('is one Node stream on request, the same each time', async () => {
    const { readable, stream } = streamOf('a', 'b');
    expect(stream.toReadable()).toBe(readable);
    expect(await textOf(stream.toReadable())).toBe('ab');
  });

  it('is what pipeline() takes', async () => {
    const { stream } = streamOf('a', 'b');
    let text = '';
    await pipeline(stream, async (pieces) => {
      text = await textOf(pieces);
    });
    expect(text).toBe('ab');
  });

  it('is never empty the second time: that is an error', async () => {
    const { stream } = streamOf('a');
    await textOf(stream);
    await expect(textOf(stream)).rejects.toMatchObject({ code: 'HOTARU_REQUEST_BODY_USED' });
    await expect(textOf(streamOf().stream)).resolves.toBe('');
  });

  it('gives up the rest when a loop is left', async () => {
    const { readable, stream } = streamOf('a', 'b');
    for await (const piece of stream) {
      expect(piece).toHaveLength(1);
      break;
    }
    expect(readable.destroyed).toBe(true);
    await expect(textOf(stream)).rejects.toMatchObject({ code: 'HOTARU_REQUEST_BODY_USED' });
    await expect(stream.next()).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  it('can be given up while a piece is waited for, and before', async () => {
    const { readable, stream } = silent();
    const piece = stream.next();
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    await expect(piece).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(readable.destroyed).toBe(true);
    const unread = silent();
    await unread.stream.return();
    expect(unread.readable.destroyed).toBe(true);
  });

  it('fails with what the body failed with, to a reader that comes late, too', async () => {
    const { readable, stream } = silent();
    const piece = stream.next();
    readable.destroy(new Error('too large'));
    await expect(piece).rejects.toThrow('too large');
    await expect(textOf(stream)).rejects.toThrow('too large');
  });

  it('is not sent by a call when something of it was read: the rest would pass for the whole', async () => {
    const { stream } = streamOf('a', 'b');
    expect([stream.readableDidRead, Readable.isDisturbed(stream as never)]).toEqual([false, false]);
    await stream.next();
    expect([stream.readableDidRead, Readable.isDisturbed(stream as never)]).toEqual([true, true]);
    await using pool = new ConnectionPool();
    await expect(
      pool.sendRequest('http://127.0.0.1:1', { method: 'POST', body: stream }),
    ).rejects.toMatchObject({ code: 'HOTARU_INVALID_REQUEST' });
  });
});

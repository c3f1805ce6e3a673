/** A body as a Node stream: what its listeners may do while a connection is being read. */
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { polled } from '../../test/support/fake-calls.js';
import { BodyReadable } from './body-stream.js';
import { ResponseBody } from './response-body.js';

const noop = (): void => undefined;
const producer = { pauseBody: noop, resumeBody: noop, abandonBody: noop };
const PIECE = Buffer.from('piece');

afterEach(() => {
  vi.restoreAllMocks();
});

/** A stream that waits for its next piece, with this listener. */
async function streaming(onData: (stream: BodyReadable, piece: Buffer) => void) {
  const body = new ResponseBody(producer, -1, Infinity, Infinity);
  const stream = new BodyReadable(body, {});
  stream.on('data', (piece: Buffer) => {
    onData(stream, piece);
  });
  await polled();
  return { body, stream };
}

describe('a listener for the pieces of a stream', () => {
  it('that throws is an uncaught exception, as of any stream: no failure of the connection that is being read', async () => {
    const broken = new Error('broken');
    const { body } = await streaming(() => {
      throw broken;
    });
    const later: (() => void)[] = [];
    vi.spyOn(process, 'nextTick').mockImplementation((task) => void later.push(task as () => void));
    expect(body.take(PIECE, 0, PIECE.length)).toBeUndefined();
    expect(() => {
      for (const task of later) task();
    }).toThrow(broken);
  });

  it('that destroys the stream ends it', async () => {
    const { body, stream } = await streaming((of) => of.destroy());
    expect(body.take(PIECE, 0, PIECE.length)).toBeUndefined();
    await once(stream, 'close');
    expect(body.use).toBe('discarded');
  });
});

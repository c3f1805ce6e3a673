import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FakeInbound } from '../../../test/fake-inbound.js';
import { pump, type Outlet } from './pump.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function outlet() {
  const inbound = new FakeInbound();
  const to: Outlet = { inbound, outflow: undefined, sentStatus: 0, bodyBytes: 0 };
  return { inbound, to };
}

/** A source that a test feeds. */
function fed() {
  const source = new Readable({ read() {} });
  return { source, feed: (text: string) => source.push(text), end: () => source.push(null) };
}

describe('pump()', () => {
  it('sends the head with the first piece, when that is there in the same turn', async () => {
    const { inbound, to } = outlet();
    const result = await pump(Readable.from(['one', '', 'two']), to, -1, 201, ['x-a', '1']);
    expect(result).toEqual({ outcome: 'sent', isAllSent: true });
    expect(inbound.calls).toEqual(['begin', 'write', 'end']);
    expect(inbound).toMatchObject({ status: 201, sentFields: ['x-a', '1'], sent: 'onetwo' });
    expect(to).toEqual({ inbound, outflow: undefined, sentStatus: 201, bodyBytes: 6 });
  });

  it('does not keep the client waiting for the head', async () => {
    const { inbound, to } = outlet();
    const { source, feed, end } = fed();
    const done = pump(source, to, -1, 200, []);
    await turn();
    expect(inbound.calls).toEqual(['begin']);
    expect(inbound.sent).toBe('');
    feed('one');
    end();
    expect(await done).toMatchObject({ outcome: 'sent' });
    expect(inbound.sent).toBe('one');
  });

  it('answers in one piece when there is none', async () => {
    const { inbound, to } = outlet();
    expect(await pump(Readable.from([]), to, -1, 200, [])).toMatchObject({ outcome: 'sent' });
    expect(inbound.calls).toEqual(['respond']);
  });

  it('asks its source for no more until the client has taken what it was sent', async () => {
    const { inbound, to } = outlet();
    let asked = 0;
    const source = (async function* () {
      for (; asked < 3; asked++) yield 'x';
    })();
    inbound.takesAll = false;
    const done = pump(source, to, -1, 200, []);
    await turn();
    await turn();
    expect([asked, inbound.sent]).toEqual([0, 'x']);
    inbound.takesAll = true;
    to.outflow?.drained();
    expect(await done).toEqual({ outcome: 'sent', isAllSent: true });
    expect(inbound.sent).toBe('xxx');
  });

  it('ends with its client, also when the source says nothing, and gives the source up', async () => {
    const { to } = outlet();
    const { source } = fed();
    const done = pump(source, to, -1, 200, []);
    await turn();
    to.outflow?.left();
    expect(await done).toEqual({ outcome: 'gone' });
    expect(source.destroyed).toBe(true);
  });

  it('cuts an answer whose source fails after the head', async () => {
    const { inbound, to } = outlet();
    const { source, feed } = fed();
    const done = pump(source, to, -1, 200, []);
    feed('part');
    await turn();
    const error = new Error('broke');
    source.destroy(error);
    expect(await done).toEqual({ outcome: 'cut', error });
    expect(inbound).toMatchObject({ sent: 'part', answer: 'cut' });
  });

  it('rejects when the source fails before, so that an error can be the answer', async () => {
    const { inbound, to } = outlet();
    const { source } = fed();
    source.destroy(new Error('broke'));
    await expect(pump(source, to, -1, 200, [])).rejects.toThrow('broke');
    expect(inbound.calls).toEqual([]);
  });

  it.each([
    [['one', 'two'], 5],
    [['one'], 4],
  ])('holds a promised length: %o for %i bytes is cut', async (pieces, length) => {
    const { inbound, to } = outlet();
    const result = await pump(Readable.from(pieces), to, length, 200, []);
    expect(result).toMatchObject({ outcome: 'cut', error: { code: 'HOTARU_INVALID_OUTCOME' } });
    expect(inbound.sent).toBe('one');
  });
});

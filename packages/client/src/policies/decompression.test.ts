/** What is offered and undone of content codings, and the limits on what comes of that. */
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FakeCalls, fakeResponse, type Asked } from '../../test/support/fake-calls.js';
import { CONSTANTS } from '../config/constants.js';
import type { PoolConfigInput } from '../config/pool-config.js';
import type { Call } from '../send/call.js';
import { prepare } from '../send/prepare.js';
import { decompression } from './decompression.js';

const response = Promise.resolve(fakeResponse(200));

/** The call as `next` gets it. */
function shaped(asked: Asked = {}, config: PoolConfigInput = {}): Call {
  const call = new FakeCalls(config).call(asked);
  let seen: Call | undefined;
  const returned = decompression(call, (given) => {
    seen = given;
    return response;
  });
  expect(returned, 'no promise of its own').toBe(response);
  expect(seen).toBe(call);
  return call;
}

describe('what is offered', () => {
  it.each<[string, Asked, string[]]>([
    ['what every Node can undo', {}, ['gzip, deflate, br']],
    ['nothing with decompress: false', { options: { decompress: false } }, []],
    ['what the caller says', { request: { headers: { 'Accept-Encoding': 'x' } } }, ['x']],
    [
      'nothing for a part, which could not be unpacked',
      { request: { headers: { range: '1' } } },
      [],
    ],
  ])('is %s', (_what, asked, wanted) => {
    const { fields } = prepare(shaped(asked));
    const offers = fields.filter((_, i) => fields[i - 1]?.toLowerCase() === 'accept-encoding');
    expect(offers).toEqual(wanted);
  });
});

describe('what is undone', () => {
  const hasZstd = 'createZstdDecompress' in zlib;
  const gzips = (count: number): string[] => Array.from({ length: count }, () => 'gzip');
  it.each<[string, string | undefined, readonly string[] | undefined]>([
    ['nothing without a coding', undefined, undefined],
    ['nothing for identity', 'identity', undefined],
    ['one', 'gzip', ['gzip']],
    ['one by its old name, in capitals', 'X-GZIP', ['gzip']],
    ['two, the last applied first', 'deflate, br', ['br', 'deflate']],
    ['those beside identity and empty members', ', gzip , identity,', ['gzip']],
    ['zstd where Node has it', 'zstd', hasZstd ? ['zstd'] : undefined],
    ['nothing when one is unknown', 'gzip, compress', undefined],
    ['nothing by a name that every object has', 'constructor', undefined],
    ['as many as allowed', gzips(CONSTANTS.maxCodings).join(), gzips(CONSTANTS.maxCodings)],
    ['nothing of one more', gzips(CONSTANTS.maxCodings + 1).join(), undefined],
  ])('is %s: %s', (_what, field, wanted) => {
    const { headers } = fakeResponse(200, field === undefined ? [] : [['Content-Encoding', field]]);
    expect(shaped().codings?.toUndo(headers)).toEqual(wanted);
  });

  it('is nothing with decompress: false', () => {
    expect(shaped({ options: { decompress: false } }).codings).toBeUndefined();
  });
});

describe('the limits of a body', () => {
  const DEFAULT_BUFFERED = 134_217_728;
  it.each<[string, Asked, PoolConfigInput, number, number]>([
    ['are those of the host', {}, { maxResponseSize: 10, maxBufferedSize: 20 }, 10, 20],
    [
      'are the call’s own where it has one',
      { options: { maxResponseSize: 5 } },
      { maxResponseSize: 10 },
      5,
      DEFAULT_BUFFERED,
    ],
    [
      'apply with decompress: false, too',
      { options: { decompress: false, maxResponseSize: '1kb' } },
      {},
      1_024,
      DEFAULT_BUFFERED,
    ],
  ])('%s', (_what, asked, config, maxResponseBytes, maxBufferedBytes) => {
    expect(shaped(asked, config)).toMatchObject({ maxResponseBytes, maxBufferedBytes });
  });
});

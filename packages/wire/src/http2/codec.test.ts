import { describe, expect, it } from 'vitest';
import { GET, Pair } from '../../test/support/http2.js';
import { fieldsOf } from '../head.js';

describe('a request and its response', () => {
  it('come through, with bodies both ways', () => {
    const pair = new Pair();
    const body = Buffer.from('hello');
    const call = pair.request({ ...GET, method: 'POST', contentLength: 5, fields: ['X-A', '1'] });
    expect(call.stream.room).toBeGreaterThan(200_000);
    call.stream.send(body, 0, 5, true);
    pair.run();
    const served = pair.served[0]!;
    expect(served.log).toEqual(['head POST /', 'data 5', 'end']);
    expect([...fieldsOf(served.head!)]).toEqual([
      ['x-a', '1'],
      ['content-length', '5'],
    ]);
    served.stream.respond(200, ['content-type', 'text/plain'], false);
    served.stream.send(body, 1, 4, true);
    pair.run();
    expect(call.log).toEqual(['head 200', 'data 3', 'end']);
    expect(call.body).toBe('ell');
    expect([...fieldsOf(call.head!)]).toEqual([['content-type', 'text/plain']]);
    expect(pair.client.activeCount).toBe(0);
    expect(pair.server.activeCount).toBe(0);
  });
});

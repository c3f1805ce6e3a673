import { expect, it } from 'vitest';
import { statusOf, WIRE_REASONS, WireError, type WireReason } from './wire-error.js';

const REASONS = Object.keys(WIRE_REASONS) as WireReason[];

it('every reason has the section of the rule that is broken, or is a limit', () => {
  for (const reason of REASONS) {
    const { section, message } = new WireError(reason, 'what');
    if (section === undefined) expect(message).toBe('what (a limit)');
    else expect(message).toMatch(/^what \(RFC \d{4} §[\d.]+\)$/);
  }
});

it('a server has a status for each that a request can have, and none for the others', () => {
  const statuses = REASONS.map((reason) => statusOf(new WireError(reason, '')));
  expect(new Set(statuses)).toEqual(new Set([undefined, 400, 413, 414, 431, 501, 505]));
  const isHttp1 = (reason: WireReason): boolean => new WireError(reason, '').scope === undefined;
  expect(REASONS.filter((reason, i) => statuses[i] === undefined && isHttp1(reason))).toEqual([
    'status-line',
    'unsafe-head',
    'end-before-start',
    'end-unclean',
  ]);
});

it('HTTP/2 has a code for each that can end a stream or a connection, but those that the peer gives', () => {
  for (const reason of REASONS) {
    const { scope, http2Code } = new WireError(reason, '');
    const isOfPeer = reason === 'stream-reset' || reason === 'goaway';
    expect([reason, http2Code !== undefined]).toEqual([reason, scope !== undefined && !isOfPeer]);
  }
  expect(new WireError('stream-reset', '', undefined, 8).http2Code).toBe(8);
});

it('the bytes of the peer are shown only where they were given, and a protocol only of a first line', () => {
  const bytes = Buffer.from('SSH-2.0-x\r\n');
  const sent = { bytes, start: 0, end: bytes.length };
  expect(new WireError('status-line', '', sent)).toMatchObject({
    sent: String.raw`"SSH-2.0-x\r\n"`,
    protocol: 'SSH',
  });
  expect(new WireError('field-name', '', sent).protocol).toBeUndefined();
  expect(new WireError('status-line', '')).toMatchObject({ sent: '', protocol: undefined });
});

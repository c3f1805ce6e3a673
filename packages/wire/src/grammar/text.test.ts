import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDigits, isFieldText, isTargetText, isToken, listMembers, trimBlanks } from './text.js';

const latin1 = fc
  .uint8Array({ maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

it('whole texts: empty ones, line ends at the end, and what is not text at all', () => {
  expect([isToken(''), isFieldText(''), isTargetText(''), isDigits('')]).toEqual([
    false,
    true,
    false,
    false,
  ]);
  // `$` without the flag m is the end of the text, not of its last line.
  for (const is of [isToken, isFieldText, isTargetText, isDigits])
    for (const end of ['\n', '\r', '\r\n', '\0'])
      for (const text of [`7${end}`, `${end}7`, `7${end}7`])
        expect(is(text), JSON.stringify(text)).toBe(false);
});

it('what is a token is a target and a field value; what is a target is a field value', () => {
  fc.assert(
    fc.property(latin1, (text) => {
      if (isToken(text)) expect(isTargetText(text)).toBe(true);
      if (isTargetText(text)) expect(isFieldText(text)).toBe(true);
      if (isDigits(text)) expect(isToken(text)).toBe(true);
    }),
  );
});

it('two texts are of a kind exactly if both are, put together', () => {
  fc.assert(
    fc.property(latin1, latin1, (a, b) => {
      expect(isFieldText(a + b)).toBe(isFieldText(a) && isFieldText(b));
      if (a !== '' && b !== '') {
        expect(isToken(a + b)).toBe(isToken(a) && isToken(b));
        expect(isTargetText(a + b)).toBe(isTargetText(a) && isTargetText(b));
        expect(isDigits(a + b)).toBe(isDigits(a) && isDigits(b));
      }
    }),
  );
});

it('digits are the ten of ASCII: no sign, no other script, no superscript', () => {
  const found = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
    isDigits,
  );
  expect(found.join('')).toBe('0123456789');
  expect(['+1', '-1', '1.0', '1e1', '0x1', ' 1', '1,1'].filter(isDigits)).toEqual([]);
});

describe('blanks around a value (OWS, RFC 9110 §5.6.3)', () => {
  it('are the blank and the tab; others that trim() takes off stay', () => {
    for (let code = 0; code < 0x10000; code += 1) {
      const char = String.fromCharCode(code);
      const isBlank = char === ' ' || char === '\t';
      expect(trimBlanks(`${char}x${char}`) === 'x').toBe(isBlank);
    }
  });

  it('go from both ends, and nothing else goes', () => {
    const blanks = fc.stringMatching(/^[ \t]{0,4}$/);
    fc.assert(
      fc.property(blanks, latin1, blanks, (before, text, after) => {
        const trimmed = trimBlanks(before + text + after);
        expect(trimmed).toBe(trimBlanks(text));
        expect(trimmed).not.toMatch(/^[ \t]|[ \t]$/);
        expect(text).toContain(trimmed);
      }),
    );
  });

  it('inside a text cost no more than other bytes, however many a peer sends', () => {
    const text = `a${' \t'.repeat(50_000)}b`;
    const startMs = performance.now();
    expect(trimBlanks(text)).toBe(text);
    // A step for each of them takes less than 1 ms; one for each pair of them 5 s.
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});

describe('the members of a list (RFC 9110 §5.6.1)', () => {
  it.each([
    ['close', ['close']],
    ['keep-alive, Close', ['keep-alive', 'Close']],
    [' a\t,\tb ,c', ['a', 'b', 'c']],
    [',, a ,,b, ', ['a', 'b']],
    ['', []],
    [' \t, ,', []],
    ['\xa0close', ['\xa0close']],
    ['a b', ['a b']],
  ])('%j has %j', (text, members) => {
    expect(listMembers(text)).toEqual(members);
  });

  it('come back as they went in, whatever blanks and empty members are between them', () => {
    const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}$/);
    const between = fc.stringMatching(/^[ \t]{0,2},[ \t,]{0,3}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(token, between)), (pairs) => {
        expect(listMembers(pairs.flat().join(''))).toEqual(pairs.map(([one]) => one));
      }),
    );
  });
});

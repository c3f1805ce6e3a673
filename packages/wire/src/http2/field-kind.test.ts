import { describe, expect, it } from 'vitest';
import { FieldKind, nameKind, withValue } from './field-kind.js';

describe('the kind of a field', () => {
  it('is known by its name', () => {
    expect(nameKind(':status')).toBe(FieldKind.Status);
    expect(nameKind(':protocol')).toBe(FieldKind.Protocol);
    expect(nameKind(':statu')).toBe(FieldKind.UnknownPseudo);
    expect(nameKind(':')).toBe(FieldKind.UnknownPseudo);
    expect(nameKind('transfer-encoding')).toBe(FieldKind.ConnectionSpecific);
    expect(nameKind('x-request-id')).toBe(FieldKind.Plain);
  });

  it.each(['', 'Accept', 'a b', 'a:b', 'a\0', 'ä', 'a\r\nb', 'constructor '])(
    'is malformed by the name %j',
    (name) => {
      expect(nameKind(name)).toBe(FieldKind.BadName);
      expect(withValue(nameKind(name), 'a')).toBe(FieldKind.BadName);
    },
  );

  it.each(['a\0', 'a\rb', 'a\nb', ' a', 'a ', '\ta', 'a\t', ' ', 'a\x7f', 'a\x01'])(
    'is malformed by the value %j',
    (value) => {
      expect(withValue(FieldKind.Plain, value)).toBe(FieldKind.BadValue);
      expect(withValue(FieldKind.Path, value)).toBe(FieldKind.BadValue);
    },
  );

  it.each(['', 'a', 'a b', 'a\tb', '\xe4\xff'])('allows the value %j', (value) => {
    expect(withValue(FieldKind.Te, value)).toBe(FieldKind.Te);
  });
});

/** Query strings and URL-encoded forms: pairs into a bag without a prototype. */

/** A name given once has a text, given more often a list. */
export type FieldBag = Record<string, string | string[]>;

export function emptyFields(): FieldBag {
  return Object.create(null) as FieldBag;
}

export function addField(fields: FieldBag, name: string, value: string): void {
  const before = fields[name];
  if (before === undefined) fields[name] = value;
  else if (typeof before === 'string') fields[name] = [before, value];
  else before.push(value);
}

export function firstField(fields: FieldBag, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'object' ? value[0] : value;
}

/**
 * As browsers write forms (application/x-www-form-urlencoded): `+` is a space, everything after the first
 * `=` is the value, and a percent sign that encodes nothing stands for itself.
 *
 * @param maxPairs what comes after that many is an error: it returns undefined.
 */
export function parsePairs(text: string, maxPairs: number): FieldBag | undefined {
  const fields = emptyFields();
  let count = 0;
  for (let start = 0; start < text.length;) {
    const amp = text.indexOf('&', start);
    const end = amp < 0 ? text.length : amp;
    if (end > start) {
      if (++count > maxPairs) return undefined;
      const equals = text.indexOf('=', start);
      const hasValue = equals >= 0 && equals < end;
      const name = decode(text.slice(start, hasValue ? equals : end));
      addField(fields, name, hasValue ? decode(text.slice(equals + 1, end)) : '');
    }
    start = end + 1;
  }
  return fields;
}

/** The first value of one name: as `firstField(parsePairs(text), name)`, without the bag. */
export function findField(text: string, wanted: string): string | undefined {
  for (let start = 0; start < text.length;) {
    const amp = text.indexOf('&', start);
    const end = amp < 0 ? text.length : amp;
    const equals = text.indexOf('=', start);
    const nameEnd = equals >= 0 && equals < end ? equals : end;
    if (end > start && decode(text.slice(start, nameEnd)) === wanted)
      return nameEnd < end ? decode(text.slice(nameEnd + 1, end)) : '';
    start = end + 1;
  }
  return undefined;
}

function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

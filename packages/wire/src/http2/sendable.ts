/** The last guard of a head to write: what would say one thing in HTTP/2 and another behind it (RFC 9113 §8.2.2). */
import { isFieldText, isToken } from '../grammar/index.js';
import { WireError } from '../wire-error.js';

const COLON = 0x3a;

/** Name, value …; names in any case. @throws WireError `unsafe-head` */
export function checkFields(fields: readonly string[]): void {
  if (fields.length % 2 !== 0) throw unsafe('a name without a value');
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (name === '' || name.charCodeAt(0) === COLON)
      throw unsafe(`${JSON.stringify(name)} as the name of a field`);
    if (isConnectionSpecific(name, fields[i + 1] ?? ''))
      throw unsafe(`${name}, which is a field of HTTP/1.1`);
  }
}

/**
 * What would be more fields than one behind a gateway that speaks HTTP/1.1: for heads that nothing has checked before.
 *
 * @throws WireError `unsafe-head`
 */
export function checkTexts(fields: readonly string[]): void {
  for (let i = 0; i < fields.length; i += 2) {
    if (!isToken(fields[i] ?? '')) throw unsafe('a name that is no token');
    if (!isFieldText(fields[i + 1] ?? ''))
      throw unsafe('a control character, or one that is not Latin-1, in a value');
  }
}

/** Most names are told by their length. */
function isConnectionSpecific(name: string, value: string): boolean {
  switch (name.length) {
    case TE.length:
      return name.toLowerCase() === TE && value.toLowerCase() !== 'trailers';
    case 'upgrade'.length:
      return name.toLowerCase() === 'upgrade';
    case 'connection'.length: {
      const lower = name.toLowerCase();
      return lower === 'connection' || lower === 'keep-alive';
    }
    case 'proxy-connection'.length:
      return name.toLowerCase() === 'proxy-connection';
    case 'transfer-encoding'.length:
      return name.toLowerCase() === 'transfer-encoding';
    default:
      return false;
  }
}

/** @throws WireError `unsafe-head` */
export function checkStatus(status: number, isFinal: boolean): void {
  const isInformational = status >= 100 && status < 200;
  if (!Number.isInteger(status) || status < 100 || status > 999 || isInformational === isFinal)
    throw unsafe(`a status of ${status}`);
  // Another protocol can't be switched to (§8.6).
  if (status === 101) throw unsafe('a status of 101');
}

const TE = 'te';

function unsafe(what: string): Error {
  return new WireError('unsafe-head', `a head to write has ${what}`);
}

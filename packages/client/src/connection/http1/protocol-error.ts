import { TransportError } from '../../errors.js';

/** Stands where the section of an RFC does, for what it allows and we do not. */
export const FIXED_BOUND = 'a fixed bound of this client';

/** The peer sent what HTTP/1.1 does not allow; `where` names the RFC section it breaks. */
export function protocolError(what: string, where = 'RFC 9112'): TransportError {
  return new TransportError('HOTARU_PROTOCOL_ERROR', `${what} (${where})`);
}

import { TransportError } from '../../errors.js';

/** The peer sent what HTTP/1.1 does not allow; `where` names the RFC section it breaks. */
export function protocolError(what: string, where = 'RFC 9112'): TransportError {
  return new TransportError('HOTARU_PROTOCOL_ERROR', `${what} (${where})`);
}

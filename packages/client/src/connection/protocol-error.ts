/** What the wire says of a peer (`WireError`), as an error of this client. */
import { WireError, type PeerProtocol } from '@hotaru/wire';
import { TransportError } from '../errors.js';

/** Stands where the section of an RFC does, for what it allows and we do not. */
const FIXED_BOUND = 'a fixed bound of this client';

/** What to do when the peer speaks something else. */
export const ADVICE: Readonly<Record<PeerProtocol, string>> = {
  TLS: 'the peer speaks TLS: use https://',
  'HTTP/2':
    "the peer speaks HTTP/2 where HTTP/1.1 was agreed on: over plain TCP set http2: 'prior-knowledge' for this host, over TLS offer h2 (tls.alpn, http2)",
  'HTTP/1.1': 'the peer speaks HTTP/1.1',
  SSH: 'the peer speaks SSH: is this the right port?',
};

/**
 * Other errors are given back as they are: they come from the receiver of what was read. `hint`: why there may be
 * no answer at all.
 */
export function readingError(error: unknown, hint = ''): Error {
  if (!(error instanceof WireError)) return error as Error;
  switch (error.reason) {
    case 'end-before-start':
      return closed(`the peer closed the connection before it answered${hint}`);
    case 'end-unclean':
      return closed(
        'the TLS connection ended without close_notify: the body may have been cut off',
      );
    case 'end-in-head':
    case 'end-in-body':
    case 'stream-reset':
    case 'goaway':
      return closed(error.what);
    default:
      return new TransportError(
        'HOTARU_PROTOCOL_ERROR',
        `${leadOf(error)}${error.what} (${details(error)})`,
      );
  }
}

/** What is wrong about frames does not say whose they are; what is wrong about an answer of HTTP/1.1 does. */
function leadOf({ section = '' }: WireError): string {
  return /^RFC (?:9113|7541)/.test(section) ? 'the peer broke HTTP/2: ' : '';
}

function closed(message: string): TransportError {
  return new TransportError('HOTARU_CONNECTION_CLOSED', message);
}

/** The rule that is broken, and what helps to see why. */
function details({ section = FIXED_BOUND, sent, protocol }: WireError): string {
  const shown = sent === '' ? '' : `; it sent ${sent}`;
  const advice = protocol === undefined ? '' : `; ${ADVICE[protocol]}`;
  return `${section}${shown}${advice}`;
}

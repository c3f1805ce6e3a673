/**
 * The last step of a dial, on the socket that its layers gave: which protocol is spoken there, and, for HTTP/2, its
 * own handshake: our preface goes out, and the dial is done when the peer's SETTINGS are in (RFC 9113 §3.4). So a
 * peer that does not speak what was settled on fails as a dial, with nothing of a call written, and the first caller
 * knows how many the connection takes.
 *
 *   chosen ─┬─ HTTP/1.1, raw bytes ─▶ done
 *           └─ HTTP/2 ─▶ opening ──SETTINGS──▶ done        FIN, reset, garbage, GOAWAY: failed; nothing: the time limit
 *
 * The time limit and giving up are dial.ts's, as for the layers.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { shownBytes } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';
import { show } from '../../config/own-options.js';
import type { ConnectionKey } from '../../key/connection-key.js';
import { offerInWords, offeredBy, type Http2Setting } from '../../key/offered-protocols.js';
import type { Protocol } from '../connection.js';

/**
 * What is spoken on a socket that is connected. Of raw bytes that is their user's affair.
 *
 * @throws Error in words: the peer chose what was not offered, or nothing where HTTP/1.1 was not offered.
 */
export function chosenOn(socket: Socket, key: ConnectionKey, http2: Http2Setting): Protocol {
  if (key.isRaw) return 'http/1.1';
  if (key.tls === false) return http2 === 'prior-knowledge' ? 'h2' : 'http/1.1';
  const offered = offeredBy(key, http2);
  const { alpnProtocol } = socket as Partial<TLSSocket>;
  if (typeof alpnProtocol === 'string' && alpnProtocol !== '') {
    if (!offered.includes(alpnProtocol))
      throw new Error(
        `the peer chose ${show(alpnProtocol)} by ALPN, which was not offered; we offered ${offerInWords(key, http2)}`,
      );
    return alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
  }
  if (offered.includes('h2') && !offered.includes('http/1.1'))
    throw new Error(
      'the peer chose no protocol by ALPN, so it speaks HTTP/1.1 at best, and only h2 was offered: add "http/1.1" to tls.alpn',
    );
  return 'http/1.1';
}

/** What the peer of an HTTP/2 connection says before its SETTINGS are in. */
export class Opening {
  readonly phase = 'connect';
  readonly missing = 'no SETTINGS of HTTP/2 came';
  readonly unfinished = 'the connection stands, but no SETTINGS of HTTP/2 have come';
  #first = Buffer.alloc(0);

  constructor(readonly key: ConnectionKey) {}

  heard(bytes: Buffer): void {
    const room = CONSTANTS.openingBytesKept - this.#first.length;
    if (room > 0) this.#first = Buffer.concat([this.#first, bytes.subarray(0, room)]);
  }

  /** Why it failed, in words. `reason`: as the connection has it. */
  explain(reason: string): string {
    const isPlain = this.key.tls === false;
    if (this.#first.length === 0) return isPlain ? `${reason}; ${PLAIN_ADVICE}` : reason;
    if (!this.#first.toString('latin1').startsWith('HTTP/1.')) return reason;
    const sent = shownBytes(this.#first, 0, this.#first.length);
    return isPlain
      ? `this port speaks HTTP/1.1, not HTTP/2 (it sent ${sent}): ${PLAIN_ADVICE}`
      : `the peer chose h2 by ALPN, and speaks HTTP/1.1 all the same (it sent ${sent}): set http2 to false for this host`;
  }
}

const PLAIN_ADVICE =
  "http2: 'prior-knowledge' is for ports that speak HTTP/2 without TLS, and nothing else";

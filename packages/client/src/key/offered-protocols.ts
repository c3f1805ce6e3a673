/**
 * Which protocols the dials of a key offer by ALPN, and whether its calls may come to share connections. What was
 * said in `tls.alpn` is part of the key; the setting `http2` is not, because it can be changed while the pool is in use.
 */
import type { Settings } from '../config/pool-config.js';
import { invalidRequest } from '../errors.js';
import type { ConnectionKey } from './connection-key.js';
import { BUILT_PROTOCOLS } from './tls-identity.js';

export type Http2Setting = Settings['http2'];

const WITHOUT_HTTP2 = BUILT_PROTOCOLS.filter((name) => name !== 'h2');

/** The preferred one first; none for plain TCP, which has no ALPN. */
export function offeredBy({ tls, isRaw }: ConnectionKey, http2: Http2Setting): readonly string[] {
  if (tls === false) return [];
  // Of raw bytes the protocol is the user's: `http2` is about calls.
  if (isRaw) return tls.alpn ?? WITHOUT_HTTP2;
  if (tls.alpn === undefined) return http2 === false ? WITHOUT_HTTP2 : BUILT_PROTOCOLS;
  return http2 === false ? tls.alpn.filter((name) => name !== 'h2') : tls.alpn;
}

/** For messages: what dials of a key offer, and which setting says so. */
export function offerInWords(key: ConnectionKey, http2: Http2Setting): string {
  const offered = offeredBy(key, http2).join(', ') || 'nothing';
  if (key.tls === false) return offered;
  const isNarrowed = http2 === false && !key.isRaw;
  if (key.tls.alpn === undefined) return isNarrowed ? `${offered} (http2: false)` : offered;
  const isLess = isNarrowed && key.tls.alpn.includes('h2');
  return `${offered} (tls.alpn${isLess ? ', and http2: false' : ''})`;
}

/**
 * What is known of a key's protocol before anything was dialled, in the words of pool/origin-protocol.ts: calls have
 * connections of their own, share them, or the first dial has to find out.
 */
export function expectedOf(
  key: ConnectionKey,
  http2: Http2Setting,
): 'unknown' | 'exclusive' | 'shared' {
  if (key.isRaw) return 'exclusive';
  if (key.tls === false) return http2 === 'prior-knowledge' ? 'shared' : 'exclusive';
  const offered = offeredBy(key, http2);
  if (!offered.includes('h2')) return 'exclusive';
  return offered.length === 1 ? 'shared' : 'unknown';
}

/** The key under which raw bytes go where `key` would take calls: another one wherever those may share connections. */
export function rawKeyOf(key: ConnectionKey, http2: Http2Setting): ConnectionKey {
  if (key.isRaw) return key;
  // Whatever the setting: a connection that may speak HTTP/2 by its key is never mistaken for one of a call.
  const saysHttp2 = key.tls !== false && key.tls.alpn?.includes('h2') === true;
  return saysHttp2 || expectedOf(key, http2) !== 'exclusive' ? key.forRawBytes() : key;
}

/** @throws RequestError `HOTARU_INVALID_REQUEST` for a call that would have nothing to offer. */
export function checkOffer(key: ConnectionKey, http2: Http2Setting): void {
  const { tls } = key;
  if (tls === false || tls.alpn === undefined || tls.alpn.length === 0) return;
  if (offeredBy(key, http2).length === 0)
    throw invalidRequest(
      `tls.alpn ${JSON.stringify(tls.alpn)} offers HTTP/2 alone, and the setting http2 is false: change one of them`,
    );
}

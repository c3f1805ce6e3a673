/**
 * A connection as everything above connection/ sees it: what it is, how it is, and a way to send a request on it.
 * It has nothing to do with bytes: each protocol reads and writes for itself.
 */
import type { ConnectionKey } from '../key/connection-key.js';
import type { Poolable } from '../pool/poolable.js';
import type { Exchange, ExchangeEvents, ExchangeRequest } from './exchange.js';

/** How long the parts of the dial took, in ms; 0 where there was none. */
export interface DialTiming {
  readonly dns: number;
  readonly connect: number;
  readonly tls: number;
}

/** As ALPN names it. */
export type Protocol = 'http/1.1' | 'h2';

export interface Connection extends Poolable {
  readonly key: ConnectionKey;
  /** Of the pool, counted from 0. */
  readonly id: number;
  readonly protocol: Protocol;
  readonly remoteAddress: string | undefined;
  readonly dialTiming: DialTiming;
  /**
   * May something lie in its socket that has to be read before a request is written (turn.ts)? Not while others use it,
   * nor when it was heard from in this turn, if that can't be taken for an answer.
   */
  readonly needsPoll: boolean;
  /** What the peer said when it announced its end, if it did: to be named by what goes wrong after that. */
  readonly goodbye?: string | undefined;
  /** The peer has asked for fewer requests, or for none of this kind: what it did not act on is sent again once. */
  readonly wantsNoReplays?: boolean;
  /** What ended it, if it failed. */
  readonly error: Error | undefined;
  /** Such an error in words. */
  reasonOf(error: Error): string;
  /**
   * One request, of a caller that holds this connection; nothing happens before `start()`. `isLastUse`: the
   * connection will not be kept whatever comes of it, and the peer is told so where the protocol can.
   */
  exchange(request: ExchangeRequest, events: ExchangeEvents, isLastUse: boolean): Exchange;
}

/** What a log may show of it: nothing of its socket, whose buffer is shared and holds bytes of other calls. */
export function factsOf({ record, key, protocol, remoteAddress, isOpen }: Connection): object {
  const { id, requestCount } = record;
  const createdAt = new Date(record.createdAt);
  const lastUsedAt = new Date(record.lastUsedAt);
  return { id, key: key.id, protocol, remoteAddress, isOpen, requestCount, createdAt, lastUsedAt };
}

/**
 * One rule of RFC 9113: what a peer sends, and what comes of it. The lists of them are what is tested
 * (http2-rules.test.ts), and a table of docs/http2-conformance.md.
 */
import type { Http2Limits } from '@hotaru/wire';
import type { CODE } from '../../../../client/test/support/h2/frames.js';

export type CodeName = keyof typeof CODE;

export type Outcome =
  /** An error of the connection: GOAWAY with this code, and nothing is taken any more. */
  | { readonly connection: CodeName }
  /** An error of a stream, 1 if not said: RST_STREAM with this code; the connection lives. */
  | { readonly stream: CodeName; readonly id?: number }
  /** The messages of these streams are whole (a server has answered, a client was answered), and the connection lives. */
  | { readonly whole: readonly number[] }
  /** Nothing is wrong: the connection lives. */
  | 'ignored';

export interface Http2Rule {
  /** Of RFC 9113. */
  readonly section: string;
  readonly what: string;
  /** Sent behind the preface and the settings of both sides, in one piece. */
  readonly send: readonly Buffer[];
  readonly then: Outcome;
  /** Nothing is sent before: not even the preface, or the SETTINGS of a server. */
  readonly isFirst?: true;
  readonly limits?: Partial<Http2Limits>;
}

/** What comes of it, in words. */
export function shownOutcome(then: Outcome): string {
  if (then === 'ignored') return 'no error';
  if ('connection' in then) return `GOAWAY ${errorName(then.connection)}`;
  if ('stream' in then) return `RST_STREAM ${errorName(then.stream)}`;
  return 'taken';
}

/** As RFC 9113 §7 writes it. */
function errorName(code: CodeName): string {
  return code.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * What a peer did wrong, in terms of the wire: a reason from one table, a sentence, the section of the RFC. What
 * becomes of it is for the caller: a client makes it an error of its own, a server answers with `statusOf`.
 */
import { peerProtocol, shownBytes, type PeerProtocol } from './shown-bytes.js';

interface Rule {
  /** The rule that is broken; `undefined` for a limit, which no RFC sets. */
  readonly section?: string;
  /** What a server answers; `undefined` where no answer is possible: only a client can meet the reason, or no request had come. */
  readonly status?: number;
}

/** One row for each reason. */
export const WIRE_REASONS = Object.freeze({
  // ── start lines ───────────────────────────────────────────────────────────────
  'status-line': { section: 'RFC 9112 §4' },
  'request-line': { section: 'RFC 9112 §3', status: 400 },
  target: { section: 'RFC 9112 §3.2', status: 400 },
  'target-too-long': { status: 414 },
  'method-too-long': { status: 501 },
  version: { section: 'RFC 9112 §2.3', status: 505 },
  // ── lines and fields ──────────────────────────────────────────────────────────
  'line-end': { section: 'RFC 9112 §2.2', status: 400 },
  'field-name': { section: 'RFC 9110 §5.1', status: 400 },
  'blank-before-colon': { section: 'RFC 9112 §5.1', status: 400 },
  'folded-line': { section: 'RFC 9112 §5.2', status: 400 },
  'line-too-long': { status: 431 },
  'head-too-large': { status: 431 },
  'too-many-fields': { status: 431 },
  host: { section: 'RFC 9112 §3.2', status: 400 },
  // ── framing ───────────────────────────────────────────────────────────────────
  'content-length': { section: 'RFC 9112 §6.3', status: 400 },
  'length-too-large': { section: 'RFC 9112 §6.3', status: 413 },
  'transfer-encoding': { section: 'RFC 9112 §6.1', status: 400 },
  'unknown-coding': { section: 'RFC 9112 §6.1', status: 501 },
  'framing-in-trailers': { section: 'RFC 9110 §6.5.1', status: 400 },
  'body-of-connect': { section: 'RFC 9110 §9.3.6', status: 400 },
  // ── what we would write ourselves ─────────────────────────────────────────────
  'unsafe-head': { section: 'RFC 9110 §5.5' },
  // ── chunks ────────────────────────────────────────────────────────────────────
  'chunk-line-end': { section: 'RFC 9112 §2.2', status: 400 },
  'chunk-size': { section: 'RFC 9112 §7.1', status: 400 },
  'chunk-too-large': { section: 'RFC 9112 §7.1', status: 413 },
  'chunk-extension': { section: 'RFC 9112 §7.1.1', status: 400 },
  'chunk-extension-too-long': { status: 413 },
  // ── informational responses ───────────────────────────────────────────────────
  'unasked-switch': { section: 'RFC 9110 §15.2.2' },
  'too-many-informational': {},
  // ── header compression: COMPRESSION_ERROR of the connection ───────────────────
  'hpack-integer': { section: 'RFC 7541 §5.1' },
  'hpack-string': { section: 'RFC 7541 §5.2' },
  'hpack-index': { section: 'RFC 7541 §2.3.3' },
  'hpack-table-size': { section: 'RFC 7541 §4.2' },
  // ── the end of the connection ─────────────────────────────────────────────────
  'end-before-start': { section: 'RFC 9112 §8' },
  'end-in-head': { section: 'RFC 9112 §8', status: 400 },
  'end-in-body': { section: 'RFC 9112 §8', status: 400 },
  'end-unclean': { section: 'RFC 9112 §9.8' },
}) satisfies Readonly<Record<string, Rule>>;

export type WireReason = keyof typeof WIRE_REASONS;

/** Bytes of the peer that show what is wrong. */
export interface Sent {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

export class WireError extends Error {
  override readonly name = 'WireError';
  readonly reason: WireReason;
  /** What is wrong, without the section. */
  readonly what: string;
  /** Such as `RFC 9112 §6.3`; `undefined` when a limit was met. */
  readonly section: string | undefined;
  /** The bytes that are wrong, quoted and cut; '' when they are no help, or may be secret. */
  readonly sent: string;
  /** What the peer speaks instead, if its first bytes say so. */
  readonly protocol: PeerProtocol | undefined;

  constructor(reason: WireReason, what: string, sent?: Sent) {
    const { section }: Rule = WIRE_REASONS[reason];
    super(`${what} (${section ?? 'a limit'})`);
    this.reason = reason;
    this.what = what;
    this.section = section;
    this.sent = sent === undefined ? '' : shownBytes(sent.bytes, sent.start, sent.end);
    const isFirstLine =
      reason === 'status-line' || reason === 'request-line' || reason === 'version';
    this.protocol =
      sent !== undefined && isFirstLine
        ? peerProtocol(sent.bytes, sent.start, sent.end)
        : undefined;
  }
}

/** The status that a server answers with, before it closes the connection; `undefined` when there is none to send. */
export function statusOf(error: WireError): number | undefined {
  const { status }: Rule = WIRE_REASONS[error.reason];
  return status;
}

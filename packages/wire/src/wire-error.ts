/**
 * What a peer did wrong, in terms of the wire: a reason from one table, a sentence, the section of the RFC. What
 * becomes of it is for the caller: a client makes it an error of its own, a server answers with `statusOf`.
 */
import { Http2ErrorCode } from './http2/error-codes.js';
import { peerProtocol, shownBytes, type PeerProtocol } from './shown-bytes.js';

const {
  CompressionError,
  EnhanceYourCalm,
  FlowControlError,
  FrameSizeError,
  ProtocolError,
  StreamClosed,
} = Http2ErrorCode;

interface Rule {
  /** The rule that is broken; `undefined` for a limit, which no RFC sets. */
  readonly section?: string;
  /** What a server answers; `undefined` where no answer is possible: only a client can meet the reason, or no request had come. */
  readonly status?: number;
  /** HTTP/2: the error code that the peer is told. */
  readonly http2?: number;
  /** HTTP/2: what ends by it. */
  readonly scope?: 'connection' | 'stream';
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
  'too-many-fields': { status: 431, http2: EnhanceYourCalm, scope: 'stream' },
  host: { section: 'RFC 9112 §3.2', status: 400 },
  // ── framing ───────────────────────────────────────────────────────────────────
  'content-length': {
    section: 'RFC 9112 §6.3',
    status: 400,
    http2: ProtocolError,
    scope: 'stream',
  },
  'length-too-large': {
    section: 'RFC 9112 §6.3',
    status: 413,
    http2: ProtocolError,
    scope: 'stream',
  },
  'transfer-encoding': { section: 'RFC 9112 §6.1', status: 400 },
  'unknown-coding': { section: 'RFC 9112 §6.1', status: 501 },
  'framing-in-trailers': {
    section: 'RFC 9110 §6.5.1',
    status: 400,
    http2: ProtocolError,
    scope: 'stream',
  },
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
  'unasked-switch': { section: 'RFC 9110 §15.2.2', http2: ProtocolError, scope: 'stream' },
  'too-many-informational': { http2: EnhanceYourCalm, scope: 'stream' },
  // ── the end of the connection ─────────────────────────────────────────────────
  'end-before-start': { section: 'RFC 9112 §8' },
  'end-in-head': { section: 'RFC 9112 §8', status: 400 },
  'end-in-body': { section: 'RFC 9112 §8', status: 400 },
  'end-unclean': { section: 'RFC 9112 §9.8' },
  // ── HTTP/2: the connection is over ────────────────────────────────────────────
  preface: { section: 'RFC 9113 §3.4', http2: ProtocolError, scope: 'connection' },
  'frame-size': { section: 'RFC 9113 §4.2', http2: FrameSizeError, scope: 'connection' },
  'frame-on-stream': { section: 'RFC 9113 §6', http2: ProtocolError, scope: 'connection' },
  padding: { section: 'RFC 9113 §6.1', http2: ProtocolError, scope: 'connection' },
  continuation: { section: 'RFC 9113 §6.10', http2: ProtocolError, scope: 'connection' },
  push: { section: 'RFC 9113 §8.4', http2: ProtocolError, scope: 'connection' },
  setting: { section: 'RFC 9113 §6.5.2', http2: ProtocolError, scope: 'connection' },
  'setting-window': { section: 'RFC 9113 §6.5.2', http2: FlowControlError, scope: 'connection' },
  'settings-ack': { section: 'RFC 9113 §6.5.3', http2: ProtocolError, scope: 'connection' },
  'goaway-order': { section: 'RFC 9113 §6.8', http2: ProtocolError, scope: 'connection' },
  'stream-number': { section: 'RFC 9113 §5.1.1', http2: ProtocolError, scope: 'connection' },
  'idle-stream': { section: 'RFC 9113 §5.1', http2: ProtocolError, scope: 'connection' },
  'ended-stream': { section: 'RFC 9113 §5.1', http2: StreamClosed, scope: 'connection' },
  'window-zero': { section: 'RFC 9113 §6.9', http2: ProtocolError, scope: 'connection' },
  'window-overflow': { section: 'RFC 9113 §6.9.1', http2: FlowControlError, scope: 'connection' },
  'window-exceeded': { section: 'RFC 9113 §6.9.1', http2: FlowControlError, scope: 'connection' },
  'hpack-integer': { section: 'RFC 7541 §5.1', http2: CompressionError, scope: 'connection' },
  'hpack-string': { section: 'RFC 7541 §5.2', http2: CompressionError, scope: 'connection' },
  'hpack-index': { section: 'RFC 7541 §2.3.3', http2: CompressionError, scope: 'connection' },
  'hpack-table-size': { section: 'RFC 7541 §4.2', http2: CompressionError, scope: 'connection' },
  /** The peer said GOAWAY: `http2Code` is its own. */
  goaway: { section: 'RFC 9113 §6.8', scope: 'connection' },
  'too-many-continuations': { http2: EnhanceYourCalm, scope: 'connection' },
  'too-many-idle-frames': { http2: EnhanceYourCalm, scope: 'connection' },
  'too-many-resets': { http2: EnhanceYourCalm, scope: 'connection' },
  'too-many-answers': { http2: EnhanceYourCalm, scope: 'connection' },
  // ── HTTP/2: one stream is over ────────────────────────────────────────────────
  /** The peer has reset it: `http2Code` is its own. */
  'stream-reset': { section: 'RFC 9113 §5.4.2', scope: 'stream' },
  'half-closed-stream': { section: 'RFC 9113 §5.1', http2: StreamClosed, scope: 'stream' },
  'stream-frame-size': { section: 'RFC 9113 §4.2', http2: FrameSizeError, scope: 'stream' },
  'stream-window-zero': { section: 'RFC 9113 §6.9', http2: ProtocolError, scope: 'stream' },
  'stream-window-overflow': {
    section: 'RFC 9113 §6.9.1',
    http2: FlowControlError,
    scope: 'stream',
  },
  'stream-window-exceeded': {
    section: 'RFC 9113 §6.9.1',
    http2: FlowControlError,
    scope: 'stream',
  },
  'message-order': { section: 'RFC 9113 §8.1', status: 400, http2: ProtocolError, scope: 'stream' },
  'body-length': { section: 'RFC 9113 §8.1.1', status: 400, http2: ProtocolError, scope: 'stream' },
  field: { section: 'RFC 9113 §8.2.1', status: 400, http2: ProtocolError, scope: 'stream' },
  'connection-field': {
    section: 'RFC 9113 §8.2.2',
    status: 400,
    http2: ProtocolError,
    scope: 'stream',
  },
  'pseudo-field': { section: 'RFC 9113 §8.3', status: 400, http2: ProtocolError, scope: 'stream' },
  'field-list-too-large': { status: 431, http2: EnhanceYourCalm, scope: 'stream' },
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
  /** HTTP/2: what the peer is told, or has said itself (`stream-reset`, `goaway`); `undefined` in HTTP/1.1. */
  readonly http2Code: number | undefined;
  /** HTTP/2: does the whole connection end by it, or one stream? */
  readonly scope: 'connection' | 'stream' | undefined;

  constructor(reason: WireReason, what: string, sent?: Sent, peerCode?: number) {
    const { section, http2, scope }: Rule = WIRE_REASONS[reason];
    super(`${what} (${section ?? 'a limit'})`);
    this.reason = reason;
    this.what = what;
    this.http2Code = peerCode ?? http2;
    this.scope = scope;
    this.section = section;
    this.sent = sent === undefined ? '' : shownBytes(sent.bytes, sent.start, sent.end);
    const isFirstLine =
      reason === 'status-line' ||
      reason === 'request-line' ||
      reason === 'version' ||
      reason === 'preface';
    const spoken =
      sent !== undefined && isFirstLine
        ? peerProtocol(sent.bytes, sent.start, sent.end)
        : undefined;
    // A peer whose HTTP/2 is broken does not speak something else.
    this.protocol = reason === 'preface' && spoken === 'HTTP/2' ? undefined : spoken;
  }
}

/** The status that a server answers with, before it closes the connection; `undefined` when there is none to send. */
export function statusOf(error: WireError): number | undefined {
  const { status }: Rule = WIRE_REASONS[error.reason];
  return status;
}

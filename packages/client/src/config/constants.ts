/**
 * Figures that are rules of the design rather than wishes of a user: they cannot be configured. Each stands
 * here once, with its reason; the lint rule in `eslint.config.js` refuses one that stands elsewhere.
 */
export const CONSTANTS = Object.freeze({
  // ── time ──────────────────────────────────────────────────────────────────────
  /** Node's timers take a signed 32-bit number of milliseconds and fire at once above it: a longer wait is cut. */
  maxTimerMs: 2_147_483_647,
  /** From here on an instant is one of `Date.now()` (since 2001), not of a process: none has run for thirty years. */
  leastTimeOfDayMs: 1_000_000_000_000,
  /** Buckets of a histogram of waits: 8 to each doubling are right within 9 %; 33 doublings of 1 µs are over an hour. */
  histogramBucketsPerDoubling: 8,
  histogramDoublings: 33,
  histogramSmallestMs: 0.001,

  // ── connections ───────────────────────────────────────────────────────────────
  /** Share by which `maxLifetime` differs between connections, so that they do not end together. */
  lifetimeJitter: 0.1,
  /** Taken off the peer's `Keep-Alive: timeout=`: the larger of the two wins. */
  keepAliveMarginMs: 1_000,
  keepAliveMarginShare: 0.1,
  /** TCP keep-alive probes find a peer that vanished, well before a NAT forgets the connection. */
  keepAliveProbeMs: 15_000,
  /** This many dials in a row must fail before dials to a host are spaced out. */
  dialFailuresBeforeBackoff: 3,
  /** The space doubles from the first figure to the second: a dead host costs ten dials a second. */
  dialBackoffMinMs: 10,
  dialBackoffMaxMs: 100,
  /**
   * A dial under way for so long is slow, and another one is started beside it. A handshake across the
   * world takes 600 ms; a lost SYN is sent again after a second (RFC 6298 §2.1).
   */
  slowDialMs: 1_000,
  /** Dials under way for each caller that waits: the second for a lost SYN; a third would only burden a peer that is down. */
  dialsPerWaiter: 2,
  /**
   * The oldest dial keeps its place for `slowDialMs`, though its callers have left, then for twice as long
   * each time, up to here: a host that comes back is not found much later than it could be.
   */
  slowDialMaxMs: 32_000,
  /** This many dials in a row may give up their place at once; then one each `dialBackoffMaxMs`. */
  dialsReplacedBeforeSpacing: 8,
  /** Of what a peer says first where HTTP/2 was agreed on: enough to tell another protocol, and to be shown. */
  openingBytesKept: 32,
  drainTimeoutMs: 10_000,
  /** A shared connection that yields to another host is given this long to end before another one yields in its place; */
  yieldMs: 1_000,
  /** twice as long for each one that did not, up to here. */
  yieldMaxMs: 32_000,
  /** A connection that callers share is replaced so long before the end of its lifetime: time for a slow dial or two. */
  renewalLeadMs: 5_000,
  /** And at most this share of `maxLifetime` before. */
  renewalLeadShare: 0.1,

  // ── what is kept for the next call ────────────────────────────────────────────
  /** Origins of hosts that the pool still knows; those of other hosts are forgotten with the host. */
  maxOrigins: 16_384,
  /** Ways of calling one origin (`tls`, `safety`) whose connection key is kept: as many as tenants, rarely more. */
  maxVariantsPerOrigin: 16,
  /** Secure contexts kept for reuse: an authority of its own costs some 50 KB in each. */
  maxTlsContexts: 256,
  /** TLS session tickets kept for resumption, one for each connection key: a few KB each. */
  maxTlsSessions: 256,
  /** Origins whose protocol is remembered when their host is forgotten: a hundred bytes each. */
  maxKnownProtocols: 1_024,
  dnsTtlMs: 30_000,
  /** Host names whose addresses are kept: a scan of many names must not grow this without end. */
  maxDnsNames: 1_024,

  // ── requests ──────────────────────────────────────────────────────────────────
  /** A request body up to here goes out in one write with its head. */
  oneWriteBytes: 16_384,
  /** A larger piece of a body is written in slices of this size: each that the peer takes is progress. */
  uploadSliceBytes: 65_536,
  /** How long a request with `Expect: 100-continue` waits before it sends its body unasked. */
  expectContinueMs: 1_000,
  /** After a failed write the answer may already be in the receive buffer: wait this long for it. */
  writeErrorGraceMs: 250,
  maxRedirects: 10,

  // ── response heads, and what comes around a body: given to the reader ─────────
  maxLineBytes: 16_384,
  maxHeadBytes: 65_536,
  maxHeaderCount: 256,
  maxInformational: 32,
  /** Digits of a chunk size: leading zeros are legal, and a flood of them is not. */
  maxChunkSizeDigits: 64,
  maxChunkExtensionBytes: 4_096,
  /** What all chunk extensions of a body may take beyond twice its data. */
  chunkExtensionAllowanceBytes: 262_144,
  maxTrailerBytes: 16_384,

  // ── HTTP/2: given to its codec ────────────────────────────────────────────────
  /** What a stream may send before it is read: it doubles, from the first figure to the second, while its reader keeps up. */
  streamWindowBytes: 262_144,
  maxStreamWindowBytes: 2_097_152,
  /** Of all streams of a connection together: its credit comes back at once, so it holds up no stream. */
  connectionWindowBytes: 16_777_216,
  /** HPACK: as much as every peer has (RFC 9113 §6.5.2); it holds the fields that repeat of some twenty. */
  headerTableBytes: 4_096,
  maxHeaderListBytes: 65_536,
  /** Streams that the peer may begin: it would push. */
  maxConcurrentStreams: 0,
  maxContinuations: 32,
  /** Frames without effect, and streams that are reset, beyond the useful ones: honest peers need a handful. */
  idleFrameAllowance: 1_024,
  resetAllowance: 1_024,
  /** Paid back of the two by time: so much costs next to nothing, and is more than keep-alive and late frames need. */
  idleFramesPerSecond: 1_000,
  resetsPerSecond: 100,
  maxQueuedAnswers: 1_024,

  // ── HTTP/2 ────────────────────────────────────────────────────────────────────
  /** A peer with streams open, or one that is used again, that has said nothing for so long is asked (PING) … */
  pingAfterMs: 20_000,
  /** … and is dead if it says nothing for this long. */
  pongWithinMs: 5_000,
  /** A caller that leaves unanswered after so long a silence has the peer asked at once: more patience than a hedge has. */
  askEarlyAfterMs: 250,
  /** One that is asked and says nothing for so long gets no new callers: a round trip across the world takes 300 ms. */
  wordWithinMs: 500,
  /** A peer that says GOAWAY for an error and leaves the socket open gets so long a silence: what it still sends comes at once. */
  partingMs: 1_000,
  /** A request that its peer did not act on is sent again as often: one that refuses a fourth time means it. */
  maxRefusals: 3,

  // ── response bodies ───────────────────────────────────────────────────────────
  /** One buffer for the reads of all sockets: a read is handled before the next one starts. */
  readBufferBytes: 65_536,
  /** An unread body is drained up to here; past it, closing the connection is cheaper. */
  drainMaxBytes: 65_536,
  drainMaxMs: 50,
  /** A body whose reader pauses: reading stops above this many buffered bytes. */
  bodyHighWaterBytes: 65_536,
  /** A body announced to be larger is collected in pieces: memory is taken for what came, not for what was said. */
  gatherMaxBytes: 16_777_216,
  /** A body that comes whole and is no larger is kept as a string: that takes less time and memory than a Buffer. */
  smallBodyBytes: 8_192,
  /** Small pieces are copied together into blocks between these sizes; a larger piece keeps a Buffer of its own. */
  pieceBlockMinBytes: 64,
  pieceBlockMaxBytes: 16_384,
  largePieceBytes: 4_096,
  /** Below, finding out whether a text is ASCII costs what it saves. */
  asciiCheckMinBytes: 2_048,
  /** Codings on codings are legal, and an attack when there are many. */
  maxCodings: 4,

  // ── messages of errors ────────────────────────────────────────────────────────
  /** A target that is no URL is shown so far; more would be a body passed by mistake. */
  maxShownTargetChars: 100,
  /** Characters of the value of a TLS setting in an error. */
  maxShownSettingChars: 200,
  /** A method that was refused is named in the error up to this length: standard ones have 16 at most. */
  maxShownMethodChars: 20,
  /** Names of a certificate that are shown: it may have hundreds. */
  maxShownNames: 4,
  /** An unknown name that differs by so many letters from a known one was meant to be that. */
  maxTypos: 2,
});

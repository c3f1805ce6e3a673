/**
 * Figures that are rules of the design rather than wishes of a user: they cannot be configured. Each stands
 * here once, with its reason; the lint rule in `eslint.config.js` refuses one that stands elsewhere. What a
 * user can set has its defaults in `http/request/safety.ts` and `app-options.ts`.
 */
export const CONSTANTS = Object.freeze({
  /** Node's timers overflow above this many milliseconds and would fire at once. */
  maxTimerMs: 2_147_483_647,

  // ── start ─────────────────────────────────────────────────────────────────────
  /** Warming that takes longer is said: an empty log would hide why an app does not listen yet. */
  warmUpNewsMs: 1_000,
  /** No upstream keeps an app from listening for longer: within the patience of the usual liveness probes. */
  warmUpMs: 5_000,

  // ── ids ───────────────────────────────────────────────────────────────────────
  /** Asking the system for random bytes costs as much as half a call: they are fetched for some forty ids at once. */
  randomPoolBytes: 1_024,

  // ── connections of clients ────────────────────────────────────────────────────
  /** Longer than the idle timeout of the usual load balancers (60 s), so that they close first. */
  keepAliveMs: 72_000,
  /** How often Node looks for heads that are too slow: a quarter of the limit, within these. */
  headCheckMinMs: 50,
  headCheckMaxMs: 5_000,
  /** A draining app closes an idle connection after this time without a byte: many times what a client under load takes. */
  silenceMs: 100,
  /**
   * While requests still come on other connections, clients are at work and may take this one next: then it has
   * this long.
   */
  busySilenceMs: 1_000,
  /** A draining app accepts clients that wait in the backlog for at most so many turns, before it closes its listener. */
  maxAcceptTurns: 100,
  silenceCheckMs: 20,
  /** Time for a refused client to read its answer. */
  farewellMs: 1_000,
  /** After an early answer: time enough to read it on a slow link; a client that goes on sending is cut off. */
  lingerMs: 1_000,
  /** Up to here, reading the rest of a body is cheaper than a new connection. */
  lingerDrainMaxBytes: 65_536,
  /** The write clock looks this often within its timeout, so that it fires at most that much too late … */
  writeChecksPerTimeout: 8,
  /** … but within these. */
  writeCheckMinMs: 10,
  writeCheckMaxMs: 5_000,

  /** Two timers for one instant may fire this far apart. */
  clockSlackMs: 2,
  /** A request that has no response after this time is mentioned in the log, once; looked for this often. */
  unansweredNewsMs: 30_000,
  unansweredCheckMs: 10_000,

  // ── requests ──────────────────────────────────────────────────────────────────
  /**
   * Below this a buffered body drips rather than flows and is cut off, after a grace: the figures are those
   * of ASP.NET Core's Kestrel (240 bytes/s after 5 s).
   */
  minBodyBytesPerSecond: 240,
  minBodyRateGraceMs: 5_000,
  /** The first buffer of a collected body; it doubles from here. */
  collectorFirstBytes: 4_096,
  /** Smaller pieces are put together until the socket has no more: each piece of a stream costs its reader a turn. */
  smallPieceBytes: 4_096,
  /** A query up to here is searched for one name; a longer one is parsed once. */
  shortQueryChars: 256,
  /** More fields than any form has; each one costs more memory than its bytes. */
  maxFormFields: 1_000,
  maxFormNameBytes: 1_024,
  maxPartHeaders: 32,
  /** How much of a refused target is shown. */
  maxShownTargetChars: 256,

  // ── responses ─────────────────────────────────────────────────────────────────
  /** Names of header fields that were checked and are kept: a program has few. */
  maxKnownHeaderNames: 1_000,
  /** What a 503 says: the usual overload is over in a moment. */
  retryAfterSeconds: 1,

  // ── routing ───────────────────────────────────────────────────────────────────
  /** A segment that can be split in more ways is no match: no name that people write needs them. */
  maxSegmentSplits: 256,
  /** No longer text is tried with a regex: as long as a file name may be. */
  regexMaxChars: 255,
  /** What an ambiguous regex may cost: a few milliseconds. */
  regexMaxSteps: 1_000_000,
  /** What the check of a regex may cost, at registration. */
  regexMaxPositions: 500,
  regexMaxPairs: 50_000,

  // ── errors and logs ───────────────────────────────────────────────────────────
  /** A chain of causes is short; a circle of them must end. */
  maxCausesSearched: 10,
  /** More of a chain of causes than this is noise in a log. */
  maxCausesLogged: 5,
  /** Lines of a stack in a log: enough to tell the handler, and what it had called. */
  maxStackLines: 3,
  /** Entries of a list in one log line; more are counted. */
  maxListed: 20,
});

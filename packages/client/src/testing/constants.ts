/** Limits of the test servers and the virtual clock: each ends what would otherwise fill memory or never end. */
const MIB = 1_048_576;

export const TESTING = Object.freeze({
  /** Unread bytes of the client are kept up to here; then reading stops until the script takes some. */
  inboxLimitBytes: 16 * MIB,
  readUntilLimitBytes: 16 * MIB,
  maxHeadBytes: MIB,
  /** An endless body is sent in blocks of this size, up to the limit. */
  endlessBlockBytes: 16_384,
  endlessLimitBytes: 64 * MIB,
  /** The longest that a script or a test waits for its client. */
  guardMs: 5_000,
  /** What the wall clock of a virtual clock shows at first. */
  wallStartMs: Date.UTC(2026, 0, 1),
  /** This many timers in one instant are no plan but a loop: a timer that sets itself again with 0 ms. */
  maxTimersPerInstant: 100_000,
});

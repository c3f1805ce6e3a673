/**
 * Figures of how the code works, measured or given by numbers themselves. None is a limit of what a peer may
 * send: those are passed in (limits.ts), and each user of the package has its own.
 */
export const CONSTANTS = Object.freeze({
  /** A head that comes in several pieces is collected in a buffer that starts with this size and doubles … */
  headBufferMinBytes: 1_024,
  /** … and is dropped after a head of unusual size: it must not be held for the life of the connection. */
  headBufferKeptBytes: 16_384,
  /** From this length on, the data of a chunk is moved by one call; less is moved byte by byte, which takes less time. */
  moveByCallMinBytes: 64,
  /** From this length on, text is written by one call into the engine; less is written byte by byte, which takes less time. */
  writeByCallMinLength: 16,
  /** Frames to be written are collected in slabs of this size: a few hundred requests, or a full frame of data. */
  outputSlabBytes: 32_768,
  /** One that had to be larger is kept while this part of it is used each time. */
  outputSlabMinUse: 0.25,
  /** What waits to be written is no more than this, but for answers and heads: a body waits at its source instead. */
  outputBodyMaxBytes: 262_144,
  /** Of that, what one stream may fill while others wait for room: so that each of many uploads is seen to go on. */
  streamTurnBytes: 65_536,
  /** Closed streams of HTTP/2 whose end is remembered: a late frame is judged by it (a power of two). */
  closedStreamsKept: 256,
  /** Less credit than this for a window that has none left makes a frame of hardly any use. */
  smallCreditBytes: 64,
  /** Credit of this size, of which a window holds two million, is of use to a sender whatever it has left. */
  usefulCreditBytes: 1_024,
  /** Frames of a stream that may be on their way when it is reset: a head, the end of a body, credit, a reset. */
  lateFramesPerReset: 4,
  /** Of the debug text of a GOAWAY. */
  maxDebugTextBytes: 256,
  /** Of bytes that are no message: enough to see what they are. */
  maxShownBytes: 32,
});

/** Fifteen digits of a `Content-Length` are always a safe integer, and more than any body has. */
export const MAX_LENGTH_DIGITS = 15;

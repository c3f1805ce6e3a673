/** The numbers of frames (RFC 9113 §4.1, §6), as they stand in their heads. */

export const FrameType = Object.freeze({
  Data: 0x0,
  Headers: 0x1,
  Priority: 0x2,
  RstStream: 0x3,
  Settings: 0x4,
  PushPromise: 0x5,
  Ping: 0x6,
  Goaway: 0x7,
  WindowUpdate: 0x8,
  Continuation: 0x9,
} as const);

/** `Ack` is of SETTINGS and PING, the others of what carries a message. */
export const Flag = Object.freeze({
  EndStream: 0x1,
  Ack: 0x1,
  EndHeaders: 0x4,
  Padded: 0x8,
  Priority: 0x20,
} as const);

/** Bytes, where a frame has a fixed length or a fixed part. */
export const FrameBytes = Object.freeze({
  head: 9,
  padLength: 1,
  priority: 5,
  rstStream: 4,
  /** Each of them. */
  setting: 6,
  ping: 8,
  /** Without its debug text. */
  goaway: 8,
  windowUpdate: 4,
} as const);

/** The reserved bit is no part of a number (§4.1). */
export const MAX_STREAM_ID = 0x7fffffff;
/** What is left in a window can never be more (§6.9.1). */
export const MAX_WINDOW = 0x7fffffff;

/** What the client sends first (§3.4). */
export const CLIENT_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

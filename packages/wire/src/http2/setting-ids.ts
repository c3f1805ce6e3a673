/** The settings of a connection: their numbers, what they are until they are set, and what they may be (RFC 9113 §6.5.2). */

export const SettingId = Object.freeze({
  HeaderTableSize: 0x1,
  EnablePush: 0x2,
  MaxConcurrentStreams: 0x3,
  InitialWindowSize: 0x4,
  MaxFrameSize: 0x5,
  MaxHeaderListSize: 0x6,
  /** RFC 8441 §3. */
  EnableConnectProtocol: 0x8,
} as const);

export const DefaultSetting = Object.freeze({
  headerTableBytes: 0x1000,
  windowBytes: 0xffff,
  maxFrameBytes: 0x4000,
} as const);

/** The largest value of SETTINGS_MAX_FRAME_SIZE; the smallest is its default. */
export const MAX_FRAME_BYTES = 0xffffff;

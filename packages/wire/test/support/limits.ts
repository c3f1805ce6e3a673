/** Limits for tests: those of the client, and for requests those that a server might have. */
import type { RequestLimits, ResponseLimits } from '../../src/index.js';

export const LIMITS: ResponseLimits & RequestLimits = Object.freeze({
  maxLineBytes: 16_384,
  maxHeadBytes: 65_536,
  maxHeaderCount: 256,
  maxTrailerBytes: 16_384,
  maxChunkSizeDigits: 64,
  maxChunkExtensionBytes: 4_096,
  chunkExtensionAllowanceBytes: 262_144,
  maxInformational: 32,
  maxTargetBytes: 8_192,
  maxEmptyLines: 1,
});

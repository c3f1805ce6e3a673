/** The grammar of HTTP, sans I/O: what the packages above may use. It imports nothing but `node:buffer`. */
export * from './grammar/index.js';
export { MAX_LENGTH_DIGITS } from './constants.js';
export {
  fieldsOf,
  type FieldSection,
  type Framed,
  type RequestHead,
  type ResponseHead,
  type TargetForm,
} from './head.js';
export { latin1 } from './latin1.js';
export type { ChunkLimits, HeadLimits, RequestLimits, ResponseLimits } from './limits.js';
export { peerProtocol, shownBytes, type PeerProtocol } from './shown-bytes.js';
export { statusOf, WIRE_REASONS, WireError, type WireReason } from './wire-error.js';
export { CHUNK_END, chunkHead, LAST_CHUNK } from './http1/chunk-writer.js';
export {
  CHUNKED,
  NO_LENGTH,
  requestHead,
  responseHead,
  uncheckedRequestHead,
  type FieldLines,
} from './http1/head-writer.js';
export { parseKeepAlive, type KeepAliveField } from './http1/keep-alive.js';
export type { BodyTaker, MessageEvents } from './http1/message-reader.js';
export { RequestReader, type RequestEvents } from './http1/request-reader.js';
export { ResponseReader, type ResponseEvents } from './http1/response-reader.js';
export { Http2Codec } from './http2/codec.js';
export { Http2ErrorCode, http2ErrorName } from './http2/error-codes.js';
export type { Role } from './http2/settings.js';
export type {
  Http2ConnectionEvents,
  Http2Limits,
  Http2Request,
  Http2RequestHead,
  Http2RequestToSend,
  Http2ResponseHead,
  Http2Stream,
  Http2StreamEvents,
  PeerSettings,
} from './http2/stream-api.js';

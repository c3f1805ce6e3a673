/** The error codes of RST_STREAM and GOAWAY (RFC 9113 §7). */
export const Http2ErrorCode = Object.freeze({
  NoError: 0x0,
  ProtocolError: 0x1,
  InternalError: 0x2,
  FlowControlError: 0x3,
  SettingsTimeout: 0x4,
  StreamClosed: 0x5,
  FrameSizeError: 0x6,
  RefusedStream: 0x7,
  Cancel: 0x8,
  CompressionError: 0x9,
  ConnectError: 0xa,
  EnhanceYourCalm: 0xb,
  InadequateSecurity: 0xc,
  Http11Required: 0xd,
} as const);

const NAMES: ReadonlyMap<number, string> = new Map([
  [Http2ErrorCode.NoError, 'NO_ERROR'],
  [Http2ErrorCode.ProtocolError, 'PROTOCOL_ERROR'],
  [Http2ErrorCode.InternalError, 'INTERNAL_ERROR'],
  [Http2ErrorCode.FlowControlError, 'FLOW_CONTROL_ERROR'],
  [Http2ErrorCode.SettingsTimeout, 'SETTINGS_TIMEOUT'],
  [Http2ErrorCode.StreamClosed, 'STREAM_CLOSED'],
  [Http2ErrorCode.FrameSizeError, 'FRAME_SIZE_ERROR'],
  [Http2ErrorCode.RefusedStream, 'REFUSED_STREAM'],
  [Http2ErrorCode.Cancel, 'CANCEL'],
  [Http2ErrorCode.CompressionError, 'COMPRESSION_ERROR'],
  [Http2ErrorCode.ConnectError, 'CONNECT_ERROR'],
  [Http2ErrorCode.EnhanceYourCalm, 'ENHANCE_YOUR_CALM'],
  [Http2ErrorCode.InadequateSecurity, 'INADEQUATE_SECURITY'],
  [Http2ErrorCode.Http11Required, 'HTTP_1_1_REQUIRED'],
]);

/** Such as `REFUSED_STREAM`; of a code that is not known, its number (§7: it has no special meaning). */
export function http2ErrorName(code: number): string {
  return NAMES.get(code) ?? `error code ${code}`;
}

/** Codes of a peer, in GOAWAY or RST_STREAM, that another try can't help: sent again at once, calls make a storm. */
import { Http2ErrorCode } from '@hotaru/wire';

const NO_REPLAYS: ReadonlySet<number | undefined> = new Set([
  Http2ErrorCode.EnhanceYourCalm,
  Http2ErrorCode.InadequateSecurity,
  Http2ErrorCode.Http11Required,
]);

export function forbidsReplays(code: number | undefined): boolean {
  return NO_REPLAYS.has(code);
}

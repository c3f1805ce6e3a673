/** How large a request head may be. Whether it is well-formed is its transport's business. */
import type { InboundHead } from '../../inbound/inbound.js';
import { wireError } from '../response/http-error.js';
import type { HttpSafety } from './safety.js';

/** With the app's limits, and with an endpoint's own, stricter ones. @throws HttpError 431 */
export function checkHeadSize(head: InboundHead, safety: HttpSafety): void {
  if (head.fields.length > safety.maxHeaders * 2)
    throw wireError('HOTARU_TOO_MANY_HEADERS', `more than ${safety.maxHeaders} header fields`);
  if (head.headBytes > safety.maxHeaderSize)
    throw wireError(
      'HOTARU_HEADERS_TOO_LARGE',
      `the request head is larger than ${safety.maxHeaderSize} bytes`,
    );
}

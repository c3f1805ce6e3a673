/** How large the fields of a request are, as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 §6.5.2). */
import type { ExchangeRequest } from '../exchange.js';

/** What the RFC adds for each field. */
const FIELD_OVERHEAD_BYTES = 0x20;
const PSEUDO_FIELD_NAMES = ':method:scheme:authority:path';
const PSEUDO_FIELDS = 0x4;
const LENGTH_FIELD = 'content-length';

export function fieldListBytes(request: ExchangeRequest): number {
  const { method, scheme, authority, target, fields, contentLength } = request;
  let bytes =
    PSEUDO_FIELD_NAMES.length +
    method.length +
    scheme.length +
    authority.length +
    target.length +
    (PSEUDO_FIELDS + fields.length / 2) * FIELD_OVERHEAD_BYTES;
  for (const text of fields) bytes += text.length;
  if (contentLength !== -1)
    bytes += LENGTH_FIELD.length + String(contentLength).length + FIELD_OVERHEAD_BYTES;
  return bytes;
}

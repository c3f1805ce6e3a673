/**
 * Header fields about one representation (RFC 9110 §8, RFC 9530), and about keeping it. Named one by one: a
 * `content-security-policy` is about the site, and an error page needs it, too.
 */
import type { HeaderBag } from './headers.js';

const REPRESENTATION = new Set([
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'repr-digest',
  'digest',
  'etag',
  'last-modified',
  'cache-control',
  'expires',
  'accept-ranges',
]);

/** Takes them out of a draft whose body is replaced. */
export function dropRepresentation(headers: HeaderBag): void {
  for (const name of Object.keys(headers))
    if (REPRESENTATION.has(name)) Reflect.deleteProperty(headers, name);
}

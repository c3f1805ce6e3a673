/**
 * Secure contexts by what they are made of, for all hosts and pools of the process. Parsing certificates
 * costs as much as a hundred requests, and the same authority given in each call, or for each of a
 * hundred hosts, is one context. Kept strongly in an LRU; connections hold theirs beyond it.
 */
import { createHash } from 'node:crypto';
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls';
import { CONSTANTS } from '../config/constants.js';
import { shielded } from '../config/own-options.js';

/** What a context is made of: PEM texts, the pass phrase, versions. */
export type TlsMaterial = Pick<
  SecureContextOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'minVersion' | 'maxVersion'
>;

type Part = string | Buffer | undefined;

const contexts = new Map<string, SecureContext>();
let defaultContext: SecureContext | undefined;

/**
 * A digest of texts. Their number and lengths are part of it, so that no two lists of texts can spell
 * the same bytes.
 */
export function digestOf(parts: readonly Part[]): string {
  const hash = createHash('sha256');
  hash.update(`${parts.length};`);
  for (const part of parts) {
    hash.update(part === undefined ? '-;' : `${Buffer.byteLength(part)};`);
    if (part !== undefined) hash.update(part);
  }
  return hash.digest('hex');
}

/** The context of this material. `digest` names it: equal digests mean equal material. */
export function contextOf(material: TlsMaterial, digest: string): SecureContext {
  if (Object.keys(material).length === 0)
    return (defaultContext ??= tls.createSecureContext(shielded({})));
  const known = contexts.get(digest);
  const context = known ?? tls.createSecureContext(shielded({ ...material }));
  if (known !== undefined) contexts.delete(digest); // to the young end
  contexts.set(digest, context);
  if (contexts.size > CONSTANTS.maxTlsContexts)
    for (const oldest of contexts.keys()) {
      contexts.delete(oldest);
      break;
    }
  return context;
}

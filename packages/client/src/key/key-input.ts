/** How a host is named by a caller, and the connection key that this stands for under a configuration. */
import { nameUncheckedOrigin } from '../diagnostics/call-name.js';
import type { PoolConfig } from '../config/pool-config.js';
import { ConnectionKey, type ConnectionKeyParts } from './connection-key.js';
import { checkOffer } from './offered-protocols.js';
import { overlayTls, type TlsOptions } from './tls-identity.js';

export type KeyInput = ConnectionKey | ConnectionKeyParts | string | URL;

/**
 * With the TLS settings its host has in the configuration, and `own` laid over them; a finished key is
 * taken as it is.
 */
export function keyOf(
  config: PoolConfig,
  input: KeyInput,
  own?: TlsOptions,
  publicOnly = false,
): ConnectionKey {
  if (input instanceof ConnectionKey) return input;
  const plain = ConnectionKey.from(input, undefined, publicOnly);
  if (plain.tls === false) return plain;
  const configured = config.tlsFor(plain.host, plain.port);
  if (configured === undefined && own === undefined) return plain;
  if (typeof input === 'string' || input instanceof URL)
    return ConnectionKey.from(input, overlayTls(configured, own), publicOnly);
  const given = typeof input.tls === 'object' ? input.tls : undefined;
  const tls = overlayTls(configured, given);
  return ConnectionKey.from({ host: plain.host, port: plain.port, tls }, undefined, publicOnly);
}

/** As `keyOf`, for a call. @throws RequestError `HOTARU_INVALID_REQUEST` where it would have no protocol to offer. */
export function keyOfCall(
  config: PoolConfig,
  url: URL,
  own: TlsOptions | undefined,
  publicOnly: boolean,
): ConnectionKey {
  const key = keyOf(config, url, own, publicOnly);
  checkOffer(key, config.forHost(key.host, key.port).http2);
  return key;
}

/** As `keyOf`, for one thing asked of a host: what is refused names it. */
export function keyFor(config: PoolConfig, verb: string, input: KeyInput): ConnectionKey {
  try {
    return keyOf(config, input);
  } catch (error) {
    throw nameUncheckedOrigin(error, verb, input);
  }
}

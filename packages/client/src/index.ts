/** The public surface of `@hotaru/client`, and nothing else. */
import { ConnectionPool } from './connection-pool.js';
import type { RequestInit } from './message/request.js';
import type { ClientResponse } from './message/response.js';
import type { SendOptions } from './send/options.js';

export { ConnectionPool } from './connection-pool.js';
export type {
  AcquireTlsOptions,
  DrainOptions,
  PoolEnvironment,
  WarmOptions,
} from './connection-pool.js';
export { ConnectionKey } from './key/connection-key.js';
export type { ConnectionKeyParts } from './key/connection-key.js';
export { PoolConfig } from './config/pool-config.js';
export type { HostInput, PoolConfigInput, Settings, SettingsInput } from './config/pool-config.js';
export { parseDuration, type Duration } from './config/duration.js';
export { parseSize, type Size } from './config/size.js';
export type { CheckedOutConnection as PooledConnection } from './lease/checked-out.js';
export type { TlsIdentity, TlsOptions } from './key/tls-identity.js';
export { Lease } from './lease/lease.js';
export {
  AbortedError,
  ConfigError,
  ConnectError,
  ERROR_CODES,
  HotaruClientError,
  PoolError,
  RequestError,
  TimeoutError,
  TransportError,
} from './errors.js';
export type { Attempt, ErrorCode, ErrorFacts, Phase, PoolSnapshot } from './errors.js';
export {
  deleteRequest,
  formRequest,
  getRequest,
  headRequest,
  jsonRequest,
  patchRequest,
  putRequest,
} from './message/request.js';
export type { HeadersInput, QueryValue, RequestExtras, RequestInit } from './message/request.js';
export type { BodyInput } from './message/request-body.js';
export { ClientResponse } from './message/response.js';
export type { ConnectionInfo, ResponseTiming } from './message/response.js';
export { ResponseHeaders } from './message/response-headers.js';
export type { Clock } from './pool/clock.js';
export type { WaitSummary } from './pool/histogram.js';
export type { HostStats, OneHostStats, PoolStats } from './pool/stats.js';
export type { AcquireOptions } from './lease/lease-request.js';
export type { SafetyOptions, SendOptions } from './send/options.js';
export { RequestScope } from './send/request-scope.js';
export type { RequestScopeOptions, ScopeFields } from './send/scope-options.js';
export type { CallReport, OpenCall, UnreadBodyReport } from './send/scoped-call.js';

/**
 * Sends a request on the global pool. See `ConnectionPool.sendRequest`.
 *
 * @example const res = await sendRequest('https://api.example.com', getRequest('/users/1'));
 */
export function sendRequest(
  target: string | URL,
  request?: RequestInit,
  options?: SendOptions,
): Promise<ClientResponse> {
  return ConnectionPool.global().sendRequest(target, request, options);
}

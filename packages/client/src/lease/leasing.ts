/** From a connection of a host to what is handed out for raw use, and back. */
import { nameOrigin } from '../diagnostics/call-name.js';
import { callSiteOf } from '../diagnostics/call-site.js';
import { withCaller } from '../diagnostics/call-stack.js';
import { CheckedOutConnection, type EndCheckOut } from './checked-out.js';
import type { ConnectionKey } from '../key/connection-key.js';
import type { Connection } from '../connection/connection.js';
import type { RawChannel } from '../connection/raw/raw-channel.js';
import { Lease } from './lease.js';
import type { HostPool } from '../pool/host-pool.js';
import { LeaseRequest, type AcquireOptions } from './lease-request.js';
import type { CallEnvironment } from '../send/attempt.js';

/**
 * @param hostOf where connections for raw bytes come from now.
 * @param owner the pool whose `put()` would take it back, if it were no lease.
 */
export async function leaseOf(
  { clock, deadlines }: CallEnvironment,
  hostOf: () => HostPool<Connection>,
  key: ConnectionKey,
  owner: object,
  needsFresh: boolean,
  options: AcquireOptions | undefined,
): Promise<Lease> {
  const { reportLeaks } = hostOf().settings;
  const callSite = reportLeaks ? callSiteOf(new Error()) : undefined;
  let channel: RawChannel;
  let host: HostPool<Connection>;
  let signal: AbortSignal | undefined;
  try {
    const request = new LeaseRequest(deadlines, clock, hostOf, options);
    signal = request.signal;
    channel = await request.run(needsFresh);
    host = request.host;
  } catch (error) {
    throw withCaller(nameOrigin(error, 'acquire', key), callSite);
  }
  const checkedOut = new CheckedOutConnection(channel, endCheckOut(host), owner, true);
  const lease = new Lease(checkedOut, reportLeaks, callSite);
  // An abort may have come between the hand-over and this continuation: nothing may be lost.
  if (signal?.aborted === true) {
    lease.release();
    throw signal.reason;
  }
  return lease;
}

/** How what is checked out goes back to its host. */
export function endCheckOut(host: HostPool<Connection>): EndCheckOut {
  return (channel, isReusable) => {
    const isClean = channel.end();
    return host.release(channel.connection, isReusable && isClean);
  };
}

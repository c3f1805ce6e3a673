/** Telling the end of the inbound client from the failure of an upstream. */
import { HttpError } from './http-error.js';

/** A chain of causes is short; a circle of them must end. */
const MAX_CAUSES = 10;

/**
 * Did this fail because the client of the inbound request has left? What `ctx.sendRequest()` then rejects with, and
 * `ctx.signal.reason`, is an `HttpError` with the code `HOTARU_CLIENT_GONE`; also when it was wrapped, as `cause`.
 * It is no failure of the upstream, and there is no one left to answer.
 *
 * @example
 * try { price = await fetchPrice(ctx); } catch (error) {
 *   if (isClientGone(error)) throw error;
 *   ctx.log.warn({ err: error }, 'no price');
 * }
 */
export function isClientGone(error: unknown): boolean {
  let one = error;
  for (let depth = 0; one instanceof Error && depth < MAX_CAUSES; depth++) {
    if (one instanceof HttpError && one.code === 'HOTARU_CLIENT_GONE') return true;
    one = one.cause;
  }
  return false;
}

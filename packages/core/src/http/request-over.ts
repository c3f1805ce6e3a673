/** Telling the end of the inbound request from the failure of an upstream. */
import { HotaruClientError } from '@hotaru/client';
import { CONSTANTS } from '../constants.js';
import { HttpError } from './response/http-error.js';

/**
 * Did this fail because the client of the inbound request has left? What `ctx.sendRequest()` then rejects with, and
 * `ctx.signal.reason`, is an `HttpError` with the code `HOTARU_CLIENT_GONE`; also when it was wrapped, as `cause`.
 * It is no failure of the upstream, and there is no client left to answer.
 *
 * @example
 * if (isClientGone(ctx.signal.reason)) ctx.log.info('they did not wait');
 */
export function isClientGone(error: unknown): boolean {
  return isOneOf(error, isGone);
}

/**
 * Did a call end because the request that it was made for is over: its client has left, or it was answered while
 * the call was still under way (`HOTARU_ABORTED`; a sibling in a `Promise.all()` had failed, say)? Neither is a
 * failure of the upstream, and there is no client left to answer.
 *
 * @example
 * try { price = await fetchPrice(ctx); } catch (error) {
 *   if (isRequestOver(error)) throw error;
 *   ctx.log.warn({ err: error }, 'no price');
 * }
 */
export function isRequestOver(error: unknown): boolean {
  return isOneOf(error, (one) => isGone(one) || isAborted(one));
}

function isGone(error: Error): boolean {
  return error instanceof HttpError && error.code === 'HOTARU_CLIENT_GONE';
}

function isAborted(error: Error): boolean {
  return error instanceof HotaruClientError && error.code === 'HOTARU_ABORTED';
}

/** An error, or one of its causes. */
function isOneOf(error: unknown, isMeant: (one: Error) => boolean): boolean {
  let one = error;
  for (let depth = 0; one instanceof Error && depth < CONSTANTS.maxCausesSearched; depth++) {
    if (isMeant(one)) return true;
    one = one.cause;
  }
  return false;
}

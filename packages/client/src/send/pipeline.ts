/**
 * Policies around sending, composed once: for a pool today. And what holds for a call that one of them sends more than
 * one request for.
 */
import { nameUncheckedCall } from '../diagnostics/call-name.js';
import type { ClientResponse } from '../message/response.js';
import type { Call } from './call.js';
import type { RequestScope } from './request-scope.js';
import type { Policy, Send } from './send.js';

/** The first policy is the outermost. Without any, what is composed is `send` itself. */
export function compose(policies: readonly Policy[], send: Send): Send {
  return policies.reduceRight<Send>((next, policy) => (call) => policy(call, next), send);
}

/** Goes into a pipeline: what is refused at once has the stack of its caller, from here on (`withCaller`). */
export function enter(send: Send, call: Call): Promise<ClientResponse> {
  return send(call);
}

/**
 * Runs what sends several requests for one call, one after the other or at once. Between two of them the call holds no
 * connection: its pool counts it as under way all the same, so that a drain waits for it. What it fails with has its
 * name, and is no unhandled rejection when its scope has ended it.
 */
export function asOneCall(
  call: Call,
  run: (call: Call) => Promise<ClientResponse>,
): Promise<ClientResponse> {
  const response = underWay(call, run);
  return call.scope === undefined ? response : sheltered(response, call.scope);
}

async function underWay(
  call: Call,
  run: (call: Call) => Promise<ClientResponse>,
): Promise<ClientResponse> {
  call.pool.underWay(1);
  try {
    return await run(call);
  } catch (error) {
    // What one of its requests failed with has the name of that.
    throw nameUncheckedCall(error, call.url, call.request);
  } finally {
    call.pool.underWay(-1);
  }
}

/** The same promise, but what it rejects with because its scope is over is no unhandled rejection. */
function sheltered<T>(promise: Promise<T>, scope: RequestScope): Promise<T> {
  const outer = new Promise<T>((resolve, reject) => {
    promise.then(resolve, (error: unknown) => {
      if (scope.isOver) outer.catch(ignore);
      reject(error);
    });
  });
  return outer;
}

function ignore(): void {
  // see sheltered
}

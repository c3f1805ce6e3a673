/**
 * When a call has to be over: its own limit (`timeout`), else that of the host it goes to; and no later than the
 * deadline of its scope, which the call itself looks at, because that one may be lifted.
 *
 * Asked anew for each request of a call: a later one, to a host with a shorter `timeout`, can bring the end forward,
 * and none can put it off. That the time is over is noticed by the clock of the attempt (send/attempt-clock.ts).
 */
import type { Policy } from '../send/send.js';

export const deadline: Policy = (call, next) => {
  call.endBy(call.startedAtMs + (call.options.timeoutMs ?? call.settings.timeout));
  return next(call);
};

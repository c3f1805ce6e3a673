/**
 * The policies of every call, the outermost first. Their order stands here, and only here:
 *
 *   redirect        outside of all that depends on the host: each request that it makes goes through the rest
 *     deadline      once a request, because each host has a `timeout` of its own; before anything that takes time
 *       decompression   next to the attempt: a response that a policy looks at (redirect today, retries tomorrow)
 *                       is judged by its head, and what its body may cost depends on the host that sent it
 *         send      one attempt (send/attempt.ts)
 */
import type { Policy } from '../send/send.js';
import { deadline } from './deadline.js';
import { decompression } from './decompression.js';
import { redirect } from './redirect.js';

export const STANDARD_POLICIES: readonly Policy[] = [redirect, deadline, decompression];

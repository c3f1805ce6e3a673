/**
 * The two shapes that sending is made of: a call goes in, its response comes out; a policy is put around that, as
 * middleware is around a handler. What a policy does and in which order they stand is left to policies/.
 */
import type { ClientResponse } from '../message/response.js';
import type { Call } from './call.js';

/** Sends a request for a call; resolves when the head of the response is there. Each rejection is a promise's. */
export type Send = (call: Call) => Promise<ClientResponse>;

/**
 * Around a `Send`. One that only shapes the call writes to it and returns `next(call)` as it is: a promise of its own
 * would cost each call. One that sends more than once does that within `asOneCall`, each time with a call made by
 * `call.another()`.
 */
export type Policy = (call: Call, next: Send) => Promise<ClientResponse>;

/**
 * The caller's own lines in the stack of an error that was made in a callback of a socket or a timer, where
 * the stack knows nothing of the call.
 *
 * When a promise is awaited, V8 can walk from it to the function that awaits it, but only from inside the
 * chain of promises. So an error is not handed to `reject()`: the promise is resolved with that of a small
 * async function, which looks at the stack from there and then throws. It costs nothing until a call fails.
 *
 *   awaited, alone or in Promise.all()    the frames of the async functions that wait, innermost first
 *   not awaited at that moment            the line of the call, where call sites are recorded (diagnostics)
 *   neither                               the frames of this package, as they were
 */
import { HotaruClientError } from '../errors.js';

const SETTLED = Promise.resolve();

/**
 * For `resolve()`, in place of `reject(error)`.
 *
 * @param sheltered a promise that this ends, perhaps unheard. Not before the stack was looked at: V8 walks on
 * only from a promise that one alone waits for.
 */
export async function rejection(
  error: unknown,
  callSite?: string,
  sheltered?: Promise<unknown>,
): Promise<never> {
  // The first turn lets the promise that is resolved with this one subscribe; the second sees it.
  await SETTLED;
  await SETTLED;
  const named = withCaller(error, callSite, rejection);
  sheltered?.catch(ignore);
  throw named;
}

/**
 * To be called where the caller, or what awaits it, is on the stack: in an async function, or before one
 * returns. Errors of others, such as the reason of an abort, stay as they are. Returns `error`.
 *
 * @param callSite the line of the call, where it was recorded.
 * @param above frames from this function upwards are left out.
 */
export function withCaller(
  error: unknown,
  callSite?: string,
  above: (...args: never[]) => unknown = withCaller,
): unknown {
  if (!(error instanceof HotaruClientError)) return error;
  const before = error.stack;
  Error.captureStackTrace(error, above);
  const header = `${error.name}: ${error.message}`;
  const frames = framesOf(error.stack);
  const site =
    callSite === undefined || frames.includes(placeIn(callSite)) ? '' : `\n    at ${callSite}`;
  const shown = site + frames;
  error.stack = header + (shown === '' ? framesOf(before) : shown);
  return error;
}

function ignore(): void {
  // said where it is used
}

function framesOf(stack: unknown): string {
  if (typeof stack !== 'string') return ''; // a stack of Error.prepareStackTrace()
  const start = stack.search(/\n {4}at /);
  // That a microtask runs the rest is no news.
  return start < 0 ? '' : stack.slice(start).replace(/\n {4}at [^\n]*node:internal\/[^\n]*/g, '');
}

/** `file:line:` of `function (file:line:column)`: the column of a call is not that of its `await`. */
function placeIn(callSite: string): string {
  const place = /\(([^()]+)\)$/.exec(callSite)?.[1] ?? callSite.replace(/^async /, '');
  return place.replace(/\d+$/, '');
}

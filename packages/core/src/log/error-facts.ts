/**
 * An error as a log line has it: what happened and where, once. A cause is left out when the message has it
 * already; the whole stack is there at level debug only, otherwise the few frames that are the program's own.
 */
import { fileURLToPath } from 'node:url';
import { HotaruClientError } from '@hotaru/client';
import { CONSTANTS } from '../constants.js';

/** Where the packages lie side by side: `node_modules/@hotaru/`, or `packages/` of this repository. */
const HOME = fileURLToPath(new URL('../../../', import.meta.url));
const OWN = ['client/src/', 'client/dist/', 'core/src/', 'core/dist/'].map((one) => HOME + one);

export type ErrorFacts = Record<string, unknown>;

/** Of what throws itself when it is looked at. */
export const UNREADABLE = 'what was thrown cannot be shown: it throws itself when it is looked at';

/** Never throws: a log line must not cost the answer that comes after it. */
export function errorFacts(error: unknown, withStack: boolean): unknown {
  try {
    return factsOf(error, withStack);
  } catch {
    return { type: 'unknown', message: UNREADABLE };
  }
}

function factsOf(error: unknown, withStack: boolean): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const facts: ErrorFacts = { type: error.name, code, message: error.message };
  if (error instanceof HotaruClientError) addCallFacts(facts, error);
  const cause = causesOf(error);
  if (cause !== '') facts['cause'] = cause;
  const at = ownFrames(error.stack);
  if (at !== '') facts['at'] = at;
  if (withStack) facts['stack'] = stackOf(error);
  return facts;
}

function addCallFacts(facts: ErrorFacts, error: HotaruClientError): void {
  const { method, origin, path, upstream, target, phase, elapsedMs, attempts, retrySafe } = error;
  Object.assign(facts, { method, origin, path, upstream, target, phase });
  if (elapsedMs !== undefined) facts['ms'] = Math.round(elapsedMs);
  if (attempts.length > 0) facts['attempts'] = attempts.map((one) => one.code);
  facts['retrySafe'] = retrySafe;
}

/** The causes that say something the message does not. */
function causesOf(error: Error): string {
  let said = error.message;
  const causes: string[] = [];
  let cause: unknown = error.cause;
  for (let depth = 0; cause !== undefined && depth < CONSTANTS.maxCausesLogged; depth++) {
    if (!(cause instanceof Error)) {
      if (typeof cause === 'string') causes.push(cause);
      break;
    }
    const { code } = cause as NodeJS.ErrnoException;
    const isSaid = said.includes(cause.message) || (code !== undefined && said.includes(code));
    if (!isSaid) {
      const text = code === undefined ? cause.message : `${cause.message} (${code})`;
      causes.push(`${cause.name}: ${text}`);
      said += text;
    }
    cause = cause.cause;
  }
  return causes.join(' ← ');
}

function ownFrames(stack: unknown): string {
  if (typeof stack !== 'string') return '';
  return stack
    .split('\n')
    .filter((line) => line.startsWith('    at ') && isOfProgram(line))
    .slice(0, CONSTANTS.maxStackLines)
    .map((line) => shownFrame(line.slice(7)))
    .join(' ← ');
}

function isOfProgram(frame: string): boolean {
  return (
    !frame.includes('node:') &&
    !frame.includes('<anonymous>)') &&
    !/^ {4}at (?:async )?Promise\.\w+ \(index \d+\)$/.test(frame) &&
    !OWN.some((folder) => frame.includes(folder))
  );
}

/** One frame of a stack, as `at` has it in every line: `dist/app.js:8:17`. */
export function shownFrame(frame: string): string {
  return frame
    .replace('file://', '')
    .replace(`${process.cwd()}/`, '')
    .replace(/^async /, '')
    .replace(/^Endpoint\.<anonymous> \((.*)\)$/, '$1'); // a handler without a name
}

/** With the stacks of its causes: at level debug nothing is left out. */
function stackOf(error: Error): string {
  const stacks: string[] = [];
  let one: unknown = error;
  for (let depth = 0; one instanceof Error && depth < CONSTANTS.maxCausesLogged; depth++) {
    stacks.push(one.stack ?? `${one.name}: ${one.message}`);
    one = one.cause;
  }
  return stacks.join('\ncaused by: ');
}

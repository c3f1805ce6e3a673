/** `Keep-Alive` (RFC 2068 §19.7.1.1): what a peer says of its own patience. */
import { CONSTANTS } from '../../config/constants.js';

export interface KeepAlive {
  /** For how long an idle connection may be used again: the peer's time, less a margin. */
  readonly idleMs: number | undefined;
  /** How many requests it still takes. */
  readonly max: number | undefined;
}

const TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i;
const MAX = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})/i;

let lastText = '';
let last: KeepAlive = parse(lastText);

/** Most servers say the same in every response, so what was read last is kept. */
export function keepAliveOf(text: string): KeepAlive {
  if (text === lastText) return last;
  lastText = text;
  last = parse(text);
  return last;
}

function parse(text: string): KeepAlive {
  const seconds = TIMEOUT.exec(text)?.[1];
  const max = MAX.exec(text)?.[1];
  return {
    idleMs: seconds === undefined ? undefined : idleOf(Number(seconds) * 1_000),
    max: max === undefined ? undefined : Number(max),
  };
}

function idleOf(ms: number): number {
  const marginMs = Math.max(CONSTANTS.keepAliveMarginMs, ms * CONSTANTS.keepAliveMarginShare);
  return Math.max(0, ms - marginMs);
}

/** For how long an idle connection may be used again, by what its peer says (`Keep-Alive`), less a margin. */
import { parseKeepAlive } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';

export interface KeepAlive {
  readonly idleMs: number | undefined;
  /** How many requests the peer still takes. */
  readonly max: number | undefined;
}

let lastText = '';
let last: KeepAlive = judged(lastText);

/** Most servers say the same in every response, so what was read last is kept. */
export function keepAliveOf(text: string): KeepAlive {
  if (text === lastText) return last;
  lastText = text;
  last = judged(text);
  return last;
}

function judged(text: string): KeepAlive {
  const { timeoutMs, max } = parseKeepAlive(text);
  return { idleMs: timeoutMs === undefined ? undefined : idleOf(timeoutMs), max };
}

function idleOf(ms: number): number {
  const marginMs = Math.max(CONSTANTS.keepAliveMarginMs, ms * CONSTANTS.keepAliveMarginShare);
  return Math.max(0, ms - marginMs);
}

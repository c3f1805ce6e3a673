/** Where two clients came to different ends over the same bytes. */
import type { Observed, RivalName, Told } from './rivals.js';

export type Aspect =
  /** An error of ours where the rival has a response; and the other way round. */
  | 'we refuse'
  | 'they refuse'
  /** Both have a response, and it is not the same. */
  | 'status'
  | 'informational'
  | 'fields'
  | 'body'
  | 'trailers'
  /** Only one of us used the connection again. */
  | 'only we reuse'
  | 'only they reuse'
  /** Only one of us needed the end of the connection to come to an end. */
  | 'only we wait'
  | 'only they wait'
  /** Their next request was not answered by its own response. */
  | 'they are poisoned';

export interface Difference {
  readonly rival: RivalName;
  readonly aspect: Aspect;
  /** The two values, or what of them differs. */
  readonly detail: string;
  /** '' when there was none. */
  readonly ourError: string;
  readonly theirError: string;
}

export function differencesOf(ours: Observed, rival: RivalName, theirs: Observed): Difference[] {
  const found: Difference[] = [];
  const a = ours.told;
  const b = theirs.told;
  const ourError = 'error' in a ? a.error : '';
  const theirError = 'error' in b ? b.error : '';
  const add = (aspect: Aspect, detail = '') =>
    found.push({ rival, aspect, detail, ourError, theirError });
  if (ourError !== '' && theirError === '') add('we refuse');
  if (ourError === '' && theirError !== '') add('they refuse');
  if (!('error' in a) && !('error' in b)) {
    addUnlike(a, b, add);
    // A connection is not used again after an error, nor after its end.
    if (ours.waited === theirs.waited && ours.reused !== theirs.reused)
      add(ours.reused ? 'only we reuse' : 'only they reuse');
  }
  if (ours.waited !== theirs.waited) add(ours.waited ? 'only we wait' : 'only they wait');
  if (theirs.next !== 'own') add('they are poisoned', theirs.next);
  return found;
}

function addUnlike(
  a: Exclude<Told, { error: string }>,
  b: Exclude<Told, { error: string }>,
  add: (aspect: Aspect, detail: string) => void,
): void {
  if (a.status !== b.status) add('status', `${a.status} / ${b.status}`);
  for (const aspect of ['informational', 'body'] as const)
    if (show(a[aspect]) !== show(b[aspect])) add(aspect, `${show(a[aspect])} / ${show(b[aspect])}`);
  for (const aspect of ['fields', 'trailers'] as const) {
    if (show(a[aspect]) === show(b[aspect])) continue;
    const areOnlyBlanks =
      show(a[aspect].map(trimmed).sort()) === show(b[aspect].map(trimmed).sort());
    add(aspect, areOnlyBlanks ? 'blanks kept' : `${show(a[aspect])} / ${show(b[aspect])}`);
  }
}

function trimmed(line: string): string {
  return line.replace(/[ \t]+$/, '');
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

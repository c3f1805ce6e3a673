/**
 * Leaks made visible: a body that is never read, a lease that is never given back. The garbage collector notices
 * that its owner is gone; the connection is then taken back, and where `reportLeaks` is on (by default
 * where `NODE_ENV` is development or test) a process warning says which call it was.
 */

/** Something that holds a connection on behalf of an object the user may drop. It must not refer to that object. */
export interface Leakable {
  /** Takes the connection back. What leaked, in words; undefined when nothing did. */
  reclaim(): string | undefined;
  /** Where the user's code made it; undefined when that was not recorded. */
  readonly callSite: string | undefined;
  readonly reportsLeaks: boolean;
}

const registry = new FinalizationRegistry<Leakable>((leakable) => {
  const what = leakable.reclaim();
  if (what === undefined || !leakable.reportsLeaks) return;
  process.emitWarning(
    `${what}${leakable.callSite === undefined ? '' : ` (at ${leakable.callSite})`}`,
    {
      type: 'HotaruLeakWarning',
      code: 'HOTARU_LEAK',
    },
  );
});

export function watchForLeak(owner: object, leakable: Leakable): void {
  registry.register(owner, leakable, leakable);
}

export function stopWatching(leakable: Leakable): void {
  registry.unregister(leakable);
}

/**
 * What is made ready before the app listens: connections for so many calls at once. They make the first requests faster and are needed for
 * nothing else: an upstream that is down, or that hangs, keeps no app from starting. After `warmUpMs` the app
 * listens, and what is still being dialled goes on beside it.
 */
import type { ConnectionPool } from '@hotaru/client';
import { CONSTANTS } from './constants.js';
import type { Logger } from './log/logger.js';

/** Told when the app is to stop: what becomes of the connections is no news then. */
export interface StopNews {
  readonly isRequested: () => boolean;
  readonly requested: Promise<void>;
}

/**
 * Resolves when all is warm that can be, at the latest after `warmUpMs` or when the app is to stop; never rejects.
 *
 * @param wanted calls at once by origin: each takes a connection of HTTP/1.1, and many share one of HTTP/2.
 */
export async function warmUp(
  pool: ConnectionPool,
  wanted: ReadonlyMap<string, number>,
  log: Logger,
  stop: StopNews,
): Promise<void> {
  const pending = new Set(wanted.keys());
  const all = Promise.all(
    [...wanted].map(async ([origin, count]) => {
      await warmOne(pool, origin, count, log, stop);
      pending.delete(origin);
    }),
  );
  const timers: NodeJS.Timeout[] = [];
  const timeUp = new Promise<void>((resolve) => {
    timers.push(
      setTimeout(() => {
        if (!stop.isRequested()) log.info({ origins: [...pending] }, 'warming connections');
      }, CONSTANTS.warmUpNewsMs),
      setTimeout(() => {
        if (!stop.isRequested())
          log.warn(
            { origins: [...pending] },
            `not all connections are warm after ${CONSTANTS.warmUpMs} ms: the app listens, and goes on warming`,
          );
        resolve();
      }, CONSTANTS.warmUpMs),
    );
  });
  await Promise.race([all, timeUp, stop.requested]);
  for (const timer of timers) clearTimeout(timer);
}

async function warmOne(
  pool: ConnectionPool,
  origin: string,
  count: number,
  log: Logger,
  stop: StopNews,
): Promise<void> {
  let err: unknown;
  try {
    const ready = await pool.warm(origin, count, { onDialFailed: (error) => (err = error) });
    if (ready < count && !stop.isRequested())
      log.warn(
        { origin, ready, count, ...(err !== undefined && { err }) },
        err === undefined
          ? 'ready for fewer calls at once: maxIdlePerHost, maxPerHost or maxTotal allow no more'
          : 'ready for fewer calls at once: the last connection could not be opened, or takes no calls',
      );
  } catch (error) {
    if (!stop.isRequested()) log.warn({ origin, err: error }, 'could not warm connections');
  }
}

/**
 * Logging: pino, or silence. The framework itself logs start, stop and errors; of a request never more than
 * its method and path, since queries, headers and bodies carry secrets.
 */
import { pino, type Logger, type LoggerOptions } from 'pino';
import { invalidOption } from './options.js';

export type { Logger, LoggerOptions } from 'pino';

/** A pino logger, options for one, or `false` for none. */
export type LoggerInput = Logger | LoggerOptions | false;

/** @throws HotaruError `HOTARU_INVALID_OPTION` */
export function toLogger(input: LoggerInput | undefined): Logger {
  if (input === undefined) return pino({ name: 'hotaru' });
  if (input === false) return pino({ enabled: false });
  if (typeof (input as unknown) !== 'object' || (input as unknown) === null)
    throw invalidOption('app.logger', input, 'a pino logger, options for one, or false');
  return isLogger(input) ? input : pino({ name: 'hotaru', ...input });
}

function isLogger(input: Logger | LoggerOptions): input is Logger {
  return 'child' in input && 'error' in input && typeof input.error === 'function';
}

/**
 * Logging: pino, or silence. The framework itself logs start, stop, requests and errors; of a request never more
 * than its method, its path, its pattern and its id, since queries, headers and bodies carry secrets.
 *
 * Lines are JSON, except in development on a terminal: there they are text (log/pretty.ts). `HOTARU_LOG=pretty`
 * or `json` decides it, whatever the terminal.
 */
import { pino, stdSerializers, symbols, type Logger, type LoggerOptions } from 'pino';
import { invalidOption } from '../options.js';
import { errorFacts } from './error-facts.js';
import { prettyDestination } from './pretty.js';

export type { Logger, LoggerOptions } from 'pino';

/** A pino logger, options for one, or `false` for none. */
export type LoggerInput = Logger | LoggerOptions | false;

/** @throws HotaruError `HOTARU_INVALID_OPTION` */
export function toLogger(input: LoggerInput | undefined, isDevelopment: boolean): Logger {
  if (input === false) return pino({ enabled: false });
  if (
    input !== undefined &&
    (typeof (input as unknown) !== 'object' || (input as unknown) === null)
  )
    throw invalidOption('app.logger', input, 'a pino logger, options for one, or false');
  if (input !== undefined && isLogger(input)) return input;
  // `console`, say: pino would take it for options, and write on to stdout.
  if (input !== undefined && 'info' in input)
    throw invalidOption(
      'app.logger',
      input,
      'a pino logger, options for one, or false; it has no child()',
    );
  const isStackWanted = (): boolean => log.isLevelEnabled('debug');
  const options: LoggerOptions = {
    name: 'hotaru',
    ...input,
    serializers: {
      err: (error: unknown) => errorFacts(error, isStackWanted()),
      ...input?.serializers,
    },
  };
  const log = isPretty(options, isDevelopment)
    ? pino(options, prettyDestination(process.stdout, usesColour()))
    : pino(options);
  return log;
}

/**
 * The same logger, with errors as log/error-facts.ts has them; one with a serializer of its own for `err` keeps
 * that.
 */
export function withErrorFacts(log: Logger): Logger {
  const { err } = (log as unknown as { [symbols.serializersSym]?: { err?: unknown } })[
    symbols.serializersSym
  ] ?? { err: undefined };
  if (err !== stdSerializers.err) return log;
  return log.child(
    {},
    { serializers: { err: (error: unknown) => errorFacts(error, log.isLevelEnabled('debug')) } },
  );
}

function isLogger(input: Logger | LoggerOptions): input is Logger {
  return 'child' in input && 'error' in input && typeof input.error === 'function';
}

function isPretty({ transport }: LoggerOptions, isDevelopment: boolean): boolean {
  if (transport !== undefined) return false; // it formats as it likes
  const wanted = process.env['HOTARU_LOG'];
  if (wanted === 'pretty' || wanted === 'json') return wanted === 'pretty';
  if (wanted !== undefined && wanted !== '')
    throw invalidOption('HOTARU_LOG', wanted, '"pretty" or "json"');
  return isDevelopment && process.stdout.isTTY;
}

function usesColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}

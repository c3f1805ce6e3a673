/**
 * Log lines for a developer's terminal: pino's JSON, one line of text each, errors on a line of their own.
 *
 *     12:01:02.345  GET /users/7 200 3.1 ms 512 B  hR3k9sLq0aZx-1f
 *     12:01:02.345  WARN an upstream call failed  status=504 ms=1004
 *                   HOTARU_HEADERS_TIMEOUT GET http://10.0.0.1/users/7: no answer within 300 ms
 *                   at handler (src/main.ts:12:9)
 */
import type { DestinationStream } from 'pino';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: '',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const COLOURS: Readonly<Record<number, string>> = { 40: '\u001b[33m', 50: '\u001b[31m' };
const OFF = '\u001b[0m';
/** The same on every line: left out on a terminal. */
const OMITTED = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'err']);
const INDENT = ' '.repeat(14);

interface Output {
  write(text: string): unknown;
}

export function prettyDestination(output: Output, usesColour: boolean): DestinationStream {
  return {
    write: (line) => {
      output.write(`${prettyLine(line, usesColour)}\n`);
    },
  };
}

export function prettyLine(line: string, usesColour = false): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trimEnd(); // what another formatter made
  }
  const { level, time, msg, err } = entry;
  const time24 = new Date(typeof time === 'number' ? time : Date.now()).toISOString().slice(11, 23);
  const text =
    'outcome' in entry && msg === 'request'
      ? accessText(entry)
      : [LEVELS[level as number] ?? '', asText(msg), fields(entry)]
          .filter((part) => part !== '')
          .join(' ');
  const colour = usesColour ? COLOURS[level as number] : undefined;
  const first = `${time24}  ${colour === undefined ? text : colour + text + OFF}`;
  return [first, ...errorLines(err).map((one) => INDENT + one)].join('\n');
}

function accessText(entry: Record<string, unknown>): string {
  const { method, path, status, ms, bytes, outcome, requestId, calls } = entry;
  const end = outcome === 'sent' ? '' : ` (${asText(outcome)})`;
  const id = requestId === undefined ? '' : `  ${asText(requestId)}`;
  const open = calls === undefined ? '' : `  calls=${JSON.stringify(calls)}`;
  return `${asText(method)} ${asText(path)} ${asText(status)} ${asText(ms)} ms ${asText(bytes)} B${end}${id}${open}`;
}

function fields(entry: Record<string, unknown>): string {
  const parts = Object.entries(entry)
    .filter(([name]) => !OMITTED.has(name))
    .map(([name, value]) => `${name}=${asText(value)}`);
  return parts.length === 0 ? '' : ` ${parts.join(' ')}`;
}

function errorLines(err: unknown): string[] {
  if (typeof err !== 'object' || err === null) return err === undefined ? [] : [asText(err)];
  const { type, code, message, cause, at, stack, phase, ms } = err as Record<string, unknown>;
  const facts = [
    phase === undefined ? '' : `phase ${asText(phase)}`,
    ms === undefined ? '' : `after ${asText(ms)} ms`,
  ];
  const end = facts.filter((fact) => fact !== '').join(', ');
  const [name, text] = [asText(code ?? type), asText(message)];
  const what = text.startsWith(`${name}: `) ? text : `${name} ${text}`; // messages of Node begin with the code
  const lines = [`${what}${end === '' ? '' : ` (${end})`}`];
  if (cause !== undefined) lines.push(`because of ${asText(cause)}`);
  if (typeof stack === 'string') lines.push(...stack.split('\n').slice(1));
  else if (at !== undefined) lines.push(`at ${asText(at)}`);
  return lines;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Heads of requests, as lists of fields. */
import type { Field } from '../../../../client/test/support/h2/hpack.js';

export function get(path = '/'): Field[] {
  return [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'server.example'],
  ];
}

export function post(path = '/', ...more: Field[]): Field[] {
  return [[':method', 'POST'], ...get(path).slice(1), ...more];
}

/** What every origin answers. */

const ENVELOPE = '{"data":""}';

/** 1 KiB of JSON. */
export const JSON_BODY = JSON.stringify({ data: 'x'.repeat(1_024 - ENVELOPE.length) });

export const MIB = 1_048_576;
const BODY_MIBS = [1, 64];

/** Bodies of unparsed bytes, by path. */
export const BODY_BYTES: Readonly<Record<string, number>> = Object.fromEntries(
  BODY_MIBS.map((mib) => [bodyPath(mib * MIB), mib * MIB]),
);

export function bodyPath(bytes: number): string {
  return `/${bytes / MIB}m`;
}

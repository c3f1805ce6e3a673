/** The `Keep-Alive` field (RFC 2068 §19.7.1.1): what a peer says of its own patience. */

export interface KeepAliveField {
  /** For how long it keeps an idle connection. */
  readonly timeoutMs: number | undefined;
  /** How many requests it still takes. */
  readonly max: number | undefined;
}

const TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})/i;
const MAX = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})/i;

export function parseKeepAlive(text: string): KeepAliveField {
  const seconds = TIMEOUT.exec(text)?.[1];
  const max = MAX.exec(text)?.[1];
  return {
    timeoutMs: seconds === undefined ? undefined : Number(seconds) * 1_000,
    max: max === undefined ? undefined : Number(max),
  };
}

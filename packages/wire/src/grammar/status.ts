/** What a status code says of the message it is in. */

/** Redirects that name where to go in `Location` (RFC 9110 §15.4). */
export const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The message ends with its head, whatever its fields say (RFC 9112 §6.3). So does every answer to a HEAD. */
export function isBodilessStatus(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

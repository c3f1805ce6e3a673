/** Hosts as HTTP names them: the `Host` field and the authority of a request target (RFC 9110 §7.2, RFC 3986 §3.2). */

const IP_LITERAL = String.raw`\[[\da-f:.]+\]`;
/** `reg-name` but for the comma, one of its characters that a `Host` field cannot be trusted to hold. */
const NAME_CHARS = String.raw`\w.~!$&'()*+;=%-`;

const HOST = new RegExp(`^(?:${IP_LITERAL}|[,${NAME_CHARS}]+)(?::\\d*)?$`, 'i');
const SENDABLE_HOST = new RegExp(`^(?:${IP_LITERAL}|[${NAME_CHARS}]+)(?::\\d{1,5})?$`, 'i');

/** What a recipient takes for a host, with or without a port. An empty host names nothing. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/**
 * What a sender may write, which is less: no comma, that a recipient might take for the end of a first value, and
 * no port that is empty or has more digits than a port.
 */
export function isSendableHost(text: string): boolean {
  return SENDABLE_HOST.test(text);
}

/** A host as it stands in a URI or a `Host` field: an IPv6 address is put in brackets (RFC 3986 §3.2.2). */
export function uriHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

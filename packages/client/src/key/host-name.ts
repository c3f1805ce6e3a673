/**
 * The one canonical form of a host, for connection keys and for the hosts of a configuration: lower case,
 * IDN in ASCII (`xn--…`), an IPv6 address shortened and without brackets, IPv4 with four numbers.
 */
import { isIPv6 } from 'node:net';
import { uriHost } from '@hotaru/wire';

/** Undefined when the text is no host name and no IP address. */
export function canonicalHost(text: string): string | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIPv6(bare)) return canonicalIPv6(bare);
  if (text !== bare || /[\s/?#@:\\]/.test(bare)) return undefined;
  // What a URL makes of it: a host must not be another one by another way of naming it.
  return urlOf(`http://${bare}/`)?.hostname;
}

/**
 * Undefined for what is no URL: the parser's own error would carry the whole text, a password too. Not asked of
 * `URL.canParse()`: on Node 20 it misreads é and the like once it has been called often.
 */
export function urlOf(text: string, base?: string | URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** As in a URL: `api.example.com:443`, `[::1]:8080`. */
export function authorityOf(host: string, port: number): string {
  return `${uriHost(host)}:${port}`;
}

/** A host, or a host and a port: `api.example.com`, `api.example.com:8443`, `::1`, `[::1]:8080`. */
export function parseHostAndPort(
  text: string,
): { host: string; port: number | undefined } | undefined {
  const match = isIPv6(text) ? null : /^(.*):(\d{1,5})$/s.exec(text);
  const host = canonicalHost(match?.[1] ?? text);
  const port = match === null ? undefined : Number(match[2]);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { host, port };
}

function canonicalIPv6(address: string): string {
  // A URL can't have a zone (fe80::1%eth0): a name of a local interface, in which case counts.
  const zoneAt = address.indexOf('%');
  const zone = zoneAt === -1 ? '' : address.slice(zoneAt);
  const bare = zoneAt === -1 ? address : address.slice(0, zoneAt);
  return new URL(`http://[${bare}]`).hostname.slice(1, -1) + zone;
}

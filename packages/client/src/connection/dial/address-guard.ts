/**
 * The SSRF guard: with `safety: { untrusted: true }` a connection to an address that is not public is
 * refused, judged on the address actually connected to, after DNS (docs/rules.md, rule 16).
 */
import net from 'node:net';
import { ConnectError } from '../../errors.js';

/** Every special-purpose range of the IANA registries that a stranger's URL has no business in. */
const NOT_PUBLIC_V4: readonly [string, number][] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, cloud metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarking
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];
const NOT_PUBLIC_V6: readonly [string, number][] = [
  ['::', 96], // unspecified, loopback, IPv4-compatible
  ['::ffff:0:0:0', 96], // IPv4-translated
  ['64:ff9b::', 96], // NAT64: an IPv4 address in disguise
  ['64:ff9b:1::', 48],
  ['100::', 64], // discard
  ['100:0:0:1::', 64], // dummy addresses, RFC 9780
  ['2001::', 23], // protocol assignments, Teredo
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: an IPv4 address in disguise
  ['3fff::', 20], // documentation
  ['5f00::', 16], // segment routing
  ['fc00::', 7], // unique local
  ['fe80::', 10], // link-local
  ['fec0::', 10], // site-local
  ['ff00::', 8], // multicast
];

/**
 * Where clouds answer instances about themselves, credentials included. Most lie in the ranges above;
 * each is listed all the same, so that none depends on what a range happens to cover.
 */
const CLOUD_METADATA: readonly string[] = [
  '169.254.169.254', // AWS, GCP, Azure, DigitalOcean, Oracle, OpenStack, Hetzner: instance metadata
  '169.254.170.2', // AWS ECS: task credentials
  '169.254.170.23', // AWS EKS Pod Identity: credentials
  '168.63.129.16', // Azure: platform agent (WireServer), DNS. learn.microsoft.com, "What is IP address 168.63.129.16?"
  '100.100.100.200', // Alibaba Cloud ECS: instance metadata
  '192.0.0.192', // Oracle Cloud classic: instance metadata
  'fd00:ec2::254', // AWS: instance metadata over IPv6
  'fd00:ec2::23', // AWS EKS Pod Identity over IPv6
  'fd20:ce::254', // GCP: metadata server over IPv6
  'fd00:c1::a9fe:a9fe', // Oracle Cloud: instance metadata over IPv6
];

const notPublic = new net.BlockList();
for (const address of CLOUD_METADATA)
  notPublic.addAddress(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
for (const [network, prefix] of NOT_PUBLIC_V4) notPublic.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of NOT_PUBLIC_V6) notPublic.addSubnet(network, prefix, 'ipv6');

/** An address in the public Internet? IPv4-mapped IPv6 is judged as the IPv4 it is. */
export function isPublicAddress(address: string): boolean {
  const bare = address.split('%')[0] ?? ''; // a zone index names an interface, and so a local link
  if (bare !== address) return false;
  if (net.isIPv4(address)) return !notPublic.check(address, 'ipv4');
  if (!net.isIPv6(address)) return false;
  return !notPublic.check(address, 'ipv6');
}

export function blockedAddress(host: string, address: string): ConnectError {
  return new ConnectError(
    'HOTARU_BLOCKED_ADDRESS',
    `${host} is at ${address}, which is not a public address; safety.untrusted refuses it`,
    { phase: 'connect', retrySafe: false },
  );
}

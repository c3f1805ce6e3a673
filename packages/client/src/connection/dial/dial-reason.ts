/**
 * Why a dial failed, in words that say what to do, for the message of a `ConnectError`. The code of Node or
 * OpenSSL stands behind in brackets, to search for.
 */
import type { PeerCertificate } from 'node:tls';
import { uriHost } from '@hotaru/wire';
import { CONSTANTS } from '../../config/constants.js';

/** What the errors of `net` and `tls` may carry, beside a message. */
interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  /** Of a certificate for other names. */
  readonly cert?: PeerCertificate;
}

/** Node's or OpenSSL's code → what it means here. `{host}`, `{names}` and `{offer}` are filled in. */
const WORDS: Readonly<Record<string, string>> = {
  // DNS
  ENOTFOUND: 'there is no such host name: {host}',
  ENODATA: 'the host name {host} has no address',
  EAI_AGAIN: 'the name server did not answer for {host}',
  // TCP
  ECONNREFUSED: 'the connection was refused: nothing listens there',
  ETIMEDOUT: 'the connection attempt got no answer: a firewall, or a host that is down',
  EHOSTUNREACH: 'the host cannot be reached from here',
  ENETUNREACH: 'the network of the host cannot be reached from here',
  EADDRNOTAVAIL: 'no local port or address is left to connect from',
  EMFILE: 'this process has too many open files and sockets (raise its limit, or lower maxTotal)',
  ENFILE: 'this machine has too many open files and sockets',
  EACCES: 'this process may not connect there',
  EPERM: 'this process may not connect there',
  ECONNRESET: 'the peer reset the connection',
  EPIPE: 'the peer closed the connection',
  // certificates
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'the certificate of {host} is self-signed: if you trust it, give it as tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN:
    'the certificate of {host} comes from an authority that is not trusted here: if you trust it, give its certificate as tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the certificate of {host} comes from an unknown authority: give its certificate as tls.ca, or let the server send its intermediate certificates',
  UNABLE_TO_GET_ISSUER_CERT:
    'the certificate of {host} comes from an unknown authority: give its certificate as tls.ca, or let the server send its intermediate certificates',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the certificate of {host} comes from an unknown authority: give its certificate as tls.ca, or let the server send its intermediate certificates',
  CERT_UNTRUSTED: 'the certificate of {host} is not trusted for this purpose',
  INVALID_CA: 'a certificate in the chain of {host} is not one of an authority',
  INVALID_PURPOSE: 'the certificate of {host} is not meant for a server',
  CERT_HAS_EXPIRED: 'the certificate of {host} has expired: the server has to renew it',
  CERT_NOT_YET_VALID:
    'the certificate of {host} is not valid yet: look at the clocks of both machines',
  CERT_REVOKED: 'the certificate of {host} was revoked',
  CERT_SIGNATURE_FAILURE: 'the signature of the certificate of {host} is wrong',
  CERT_CHAIN_TOO_LONG: 'the chain of certificates of {host} is too long',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate is for other names ({names}), not for {host}: call it by one of those, or give one as tls.servername',
  // the handshake
  ERR_SSL_WRONG_VERSION_NUMBER:
    'the peer does not answer with TLS: is this an http:// port, or another protocol?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'the peer does not answer with TLS: is this an http:// port, or another protocol?',
  ERR_SSL_HTTP_REQUEST: 'the peer does not answer with TLS: is this an http:// port?',
  ERR_SSL_UNSUPPORTED_PROTOCOL:
    'no TLS version is allowed by both sides: look at tls.minVersion and tls.maxVersion, and at the server',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION:
    'the peer refuses our TLS versions: look at tls.minVersion and tls.maxVersion, and at the server',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'tls.minVersion and tls.maxVersion leave no TLS version',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'the peer refused the handshake: no common cipher, or it demands a client certificate (tls.cert and tls.key)',
  ERR_SSL_SSL_TLSV1_ALERT_HANDSHAKE_FAILURE:
    'the peer refused the handshake: no common cipher, or it demands a client certificate (tls.cert and tls.key)',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'the peer demands a client certificate: give tls.cert and tls.key',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the peer refused our client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the peer says that our client certificate has expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the peer refused our client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA:
    'the peer does not know the authority of our client certificate (tls.cert)',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME:
    'the peer has no certificate for the name we sent: give the right one as tls.servername',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'the peer speaks none of the protocols we offered{offer}',
};

/**
 * One line. `host` is the name that was looked up, or that the certificate is checked against; `offer` is what was
 * offered by ALPN, in words.
 */
export function reasonOf(error: Error, host: string, offer = ''): string {
  // Of happy eyeballs, with an empty message: what each address answered.
  if (error instanceof AggregateError) return reasonOfAll(error.errors as SystemError[], host);
  const { code, address, port } = error as SystemError;
  const words = code === undefined ? undefined : WORDS[code];
  if (code === undefined) return error.message;
  if (words === undefined)
    return error.message.includes(code) ? error.message : `${error.message} (${code})`;
  const place = address === undefined ? '' : ` ${placeOf(address, port)}`;
  const said = words
    .replaceAll('{host}', host)
    .replace('{names}', namesIn(error))
    .replace('{offer}', offer === '' ? '' : `: ${offer}`);
  return `${said} (${code}${place})`;
}

/** Addresses that failed alike are named together. */
function reasonOfAll(errors: readonly SystemError[], host: string): string {
  const placesByCode = new Map<string, string[]>();
  for (const { code, address, port } of errors) {
    if (code === undefined || address === undefined)
      return errors.map((one) => reasonOf(one, host)).join('; ');
    const places = placesByCode.get(code) ?? [];
    placesByCode.set(code, [...places, placeOf(address, port)]);
  }
  return [...placesByCode]
    .map(([code, places]) => {
      const words = WORDS[code]?.replaceAll('{host}', host) ?? 'the connection failed';
      return `${words} (${code} ${places.join(', ')})`;
    })
    .join('; ');
}

function placeOf(address: string, port: number | undefined): string {
  const name = uriHost(address);
  return port === undefined ? name : `${name}:${port}`;
}

function namesIn({ cert }: SystemError): string {
  const all = (cert?.subjectaltname ?? '').split(', ').map((name) => name.replace(/^[^:]*:/, ''));
  const names = all.filter((name) => name !== '');
  if (names.length === 0) return 'it names none';
  const more = names.length - CONSTANTS.maxShownNames;
  return (
    names.slice(0, CONSTANTS.maxShownNames).join(', ') + (more > 0 ? `, and ${more} more` : '')
  );
}

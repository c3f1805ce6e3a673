/**
 * Certificates for tests, made once for each test file: an authority of our own, leaves it signed
 * that are good, expired or for another host, one it did not sign, and client certificates.
 */
import { generate } from 'selfsigned';

export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface TestCertificates {
  /** PEM of the authority that signed all but `selfSigned` and `foreignClient`. */
  readonly ca: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly localhost: KeyAndCertificate;
  /** As `localhost`, but its time is over. */
  readonly expired: KeyAndCertificate;
  /** As `localhost`, but its time has not come. */
  readonly notYetValid: KeyAndCertificate;
  /** Good, but for wrong.example. */
  readonly wrongHost: KeyAndCertificate;
  /** For localhost, signed by itself. */
  readonly selfSigned: KeyAndCertificate;
  /** A client certificate of the authority. */
  readonly client: KeyAndCertificate;
  /** Another client's, of the same authority. */
  readonly otherClient: KeyAndCertificate;
  /** A client certificate that the server does not know. */
  readonly foreignClient: KeyAndCertificate;
}

const DAY_MS = 86_400_000;
const LOCAL_NAMES = [
  { type: 2 as const, value: 'localhost' },
  { type: 7 as const, ip: '127.0.0.1' },
  { type: 7 as const, ip: '::1' },
];

type Options = NonNullable<Parameters<typeof generate>[1]>;

let made: Promise<TestCertificates> | undefined;

/** All of them; made on first use (elliptic keys: some milliseconds), then kept. */
export function testCertificates(): Promise<TestCertificates> {
  made ??= make();
  return made;
}

async function make(): Promise<TestCertificates> {
  const authority = await issue('Hotaru test authority', {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const ca = { key: authority.key, cert: authority.cert };
  const forLocalhost = (options: Options) =>
    issue('localhost', { extensions: serverExtensions(LOCAL_NAMES), ...options });
  const forClient = (name: string, options: Options) =>
    issue(name, { extensions: [{ name: 'extKeyUsage', clientAuth: true }], ...options });
  const now = Date.now();
  return {
    ca: authority.cert,
    localhost: await forLocalhost({ ca }),
    expired: await forLocalhost({
      ca,
      notBeforeDate: new Date(now - 2 * DAY_MS),
      notAfterDate: new Date(now - DAY_MS),
    }),
    notYetValid: await forLocalhost({
      ca,
      notBeforeDate: new Date(now + DAY_MS),
      notAfterDate: new Date(now + 2 * DAY_MS),
    }),
    wrongHost: await issue('wrong.example', {
      ca,
      extensions: serverExtensions([{ type: 2, value: 'wrong.example' }]),
    }),
    selfSigned: await forLocalhost({}),
    client: await forClient('client', { ca }),
    otherClient: await forClient('other client', { ca }),
    foreignClient: await forClient('foreign client', {}),
  };
}

async function issue(commonName: string, options: Options): Promise<KeyAndCertificate> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY_MS),
    ...options,
  });
  return { key: made.private, cert: made.cert };
}

function serverExtensions(
  altNames: Extract<NonNullable<Options['extensions']>[number], { altNames: unknown }>['altNames'],
): NonNullable<Options['extensions']> {
  return [
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames },
  ];
}

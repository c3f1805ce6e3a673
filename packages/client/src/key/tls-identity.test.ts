import { beforeAll, describe, expect, it } from 'vitest';
import { testCertificates, type TestCertificates } from '../../test/certificates.js';
import { ConnectionKey } from './connection-key.js';
import type { TlsOptions } from './tls-identity.js';

const id = (tls?: TlsOptions): string => ConnectionKey.from('https://api.test', tls).id;

describe('the identity in a key', () => {
  it('is plain for the default settings, however they are spelled', () => {
    expect(id()).toBe('https://api.test:443');
    expect(id({})).toBe(id());
    expect(id({ rejectUnauthorized: true, servername: 'api.test', alpn: ['h2', 'http/1.1'] })).toBe(
      id(),
    );
  });

  it('differs for every setting that changes trust, and for no other reason', () => {
    const variants: TlsOptions[] = [
      { rejectUnauthorized: false },
      { servername: 'other.test' },
      { minVersion: 'TLSv1.3' },
      { maxVersion: 'TLSv1.2' },
    ];
    const ids = variants.map((tls) => id(tls));
    expect(new Set([...ids, id()]).size).toBe(variants.length + 1);
    expect(variants.map((tls) => id({ ...tls }))).toEqual(ids);
  });

  it('sees that an options object was changed after it was used', () => {
    const tls: TlsOptions = {};
    const before = id(tls);
    tls.rejectUnauthorized = false;
    expect(id(tls)).not.toBe(before);
  });
});

describe('bad settings are refused before anything is dialled', () => {
  it.each([
    [{ caa: 'x' }, 'tls.caa is not a setting (did you mean ca?); allowed: ca, cert'],
    [{ rejectUnauthorized: 'no' }, 'tls.rejectUnauthorized is "no"; allowed: true or false'],
    [{ minVersion: 'SSLv3' }, 'allowed: TLSv1.2 or TLSv1.3'],
    [{ cert: 'x' }, 'tls.cert and tls.key go together'],
    [{ alpn: ['h3'] }, 'offers nothing that is built; allowed: h2, http/1.1'],
    [{ cert: 'no PEM', key: 'no PEM' }, 'tls.cert holds no PEM'],
    [{ cert: '-----BEGIN', key: '-----BEGIN' }, 'the certificates, key or versions don'],
  ])('%j', (tls, message) => {
    expect(() => id(tls as TlsOptions)).toThrow(message);
  });
});

describe('certificates', () => {
  let certificates: TestCertificates;
  beforeAll(async () => {
    certificates = await testCertificates();
  });

  it('are part of the identity, and parsed once for all its connections', () => {
    const tls = { ca: certificates.ca };
    const first = ConnectionKey.from('https://api.test', tls);
    const second = ConnectionKey.from('https://api.test', tls);
    expect(first.id).not.toBe(id());
    expect(first.tls && second.tls && first.tls.context === second.tls.context).toBe(true);
  });

  it('are parsed once for all hosts and for all spellings of the same settings', () => {
    const contexts = [
      ConnectionKey.from('https://api.test', { ca: certificates.ca }),
      ConnectionKey.from('https://other.test', { ca: Buffer.from(certificates.ca) }),
      ConnectionKey.from('https://api.test', { ca: [certificates.ca], servername: 'x.test' }),
    ].map((key) => key.tls && key.tls.context);
    expect(new Set(contexts).size).toBe(1);
  });

  it('that differ in anything have contexts of their own', () => {
    const { ca, client, otherClient } = certificates;
    const all: TlsOptions[] = [
      {},
      { ca },
      { ca: [ca, ca] },
      { ca, minVersion: 'TLSv1.3' },
      { ca, maxVersion: 'TLSv1.2' },
      client,
      otherClient,
      { ...client, ca },
    ];
    const keys = all.map((tls) => ConnectionKey.from('https://api.test', tls));
    expect(new Set(keys.map((key) => key.tls && key.tls.context)).size).toBe(all.length);
    expect(new Set(keys.map((key) => key.id)).size).toBe(all.length);
  });
});

describe('whom to trust', () => {
  it('is another identity with an empty list of authorities, which trusts none', async () => {
    const { client } = await testCertificates();
    const none = ConnectionKey.from('https://api.test', { ...client, ca: [] });
    const usual = ConnectionKey.from('https://api.test', { ...client });
    expect(none.id).not.toBe(usual.id);
    expect(none.tls && usual.tls && none.tls.context === usual.tls.context).toBe(false);
  });

  it.each(['ca', 'cert', 'key'])('is not left to Node’s list because %s came empty', (name) => {
    const pair = { cert: 'x', key: 'x' };
    for (const empty of ['', Buffer.alloc(0)])
      expect(() => id({ ...(name !== 'ca' && pair), [name]: empty })).toThrow('has a bad value');
  });

  it('is read from a prototype of the caller’s own, too', async () => {
    const { ca } = await testCertificates();
    const inherited = Object.assign(Object.create({ ca }) as TlsOptions, { servername: 'x.test' });
    expect(id(inherited)).toBe(id({ ca, servername: 'x.test' }));
  });
});

describe('protocols offered', () => {
  it('may be none, which is another identity', () => {
    const none = ConnectionKey.from('https://api.test', { alpn: [] });
    expect(none.tls && none.tls.alpn).toEqual([]);
    expect(none.id).not.toBe(id());
  });

  it('of a call are those that are built, of a connection by hand any', () => {
    const alpn = ['redis', 'h2'];
    const call = ConnectionKey.from('https://api.test', { alpn });
    const byHand = ConnectionKey.from({ host: 'api.test', tls: { alpn } });
    expect([call.tls && call.tls.alpn, byHand.tls && byHand.tls.alpn]).toEqual([['h2'], alpn]);
    expect(byHand.id).not.toBe(call.id);
  });

  it.each([
    [['http/1.1'], '#alpn-http/1.1'],
    [['h2'], '#alpn-h2'],
    [['http/1.1', 'h2'], '#alpn-http/1.1,h2'],
    [[], '#alpn-none'],
  ])('that are narrowed to %j read well in the key', (alpn, suffix) => {
    expect(id({ alpn })).toBe(`https://api.test:443${suffix}`);
  });

  it('are part of the key only in as far as they were said: the setting http2 can change', () => {
    const key = ConnectionKey.from('https://api.test');
    expect(key.tls && key.tls.alpn).toBe(undefined);
    expect(ConnectionKey.from('https://api.test', { alpn: ['h2', 'http/1.1'] }).equals(key)).toBe(
      true,
    );
  });

  it.each([[['']], [['a'.repeat(256)]], [['a,b']], ['h2']])('are checked: %j', (alpn) => {
    expect(() => id({ alpn } as TlsOptions)).toThrow(
      /tls\.alpn is (\["|"h2").*; allowed: a list of protocol names/,
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../config/pool-config.js';
import { ConnectionKey } from '../key/connection-key.js';
import type { TlsOptions } from '../key/tls-identity.js';
import { Origins, requestTarget } from './target.js';

function origins(): Origins {
  return new Origins(
    (url, tls, publicOnly) => ConnectionKey.from(url, tls, publicOnly),
    () => DEFAULTS,
  );
}

/** What goes on the request line for a URL, asked for the first time or once its origin is known. */
function targetOf(known: Origins, url: string): string {
  return requestTarget(known.resolve(url, undefined, false).path, {});
}

/** What the URL parser makes of it. */
function parsed(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

const HOST = 'http://api.test';

describe('the target of a URL', () => {
  it.each([
    "?q='x'",
    "/?q='x'",
    "/a'b?q='x'",
    '/?',
    '/a?',
    '/a??',
    '/a?b=/../c',
    '/a/../b',
    '/a/./b',
    '/a/.',
    '/a/..?x',
    '/.well-known/x',
    '/...',
    '/a/%2e%2E/b',
    '/%2efile',
    '/a%2e',
    '/a"b<c>`{d}^|[]',
    '/a?"<>`{}^|[]',
    '/é?ü',
    '/a#b',
    '/a?b#c',
    '//x',
    '/a;b=c,d!$&()*+:@~-_.',
  ])('is what the URL parser gives, on the first call and on later ones: %s', (rest) => {
    const known = origins();
    expect([0, 1, 2].map(() => targetOf(known, HOST + rest))).toEqual(
      [0, 1, 2].map(() => parsed(HOST + rest)),
    );
  });

  it('is so for any text', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', '.', '..', '?', '%2e', "'", '"', '%', '&', '=', ';', '#', '^', '`'),
      fc.string({ maxLength: 3 }),
      fc.string({ maxLength: 3, unit: 'binary' }),
    );
    const rest = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);
    fc.assert(
      fc.property(rest, (text) => {
        const url = HOST + text;
        fc.pre(!/[\u0000-\u0020\u007f\\]/.test(url)); // refused, first and later
        const known = origins();
        const first = targetOf(known, url);
        expect([first, targetOf(known, url)]).toEqual([parsed(url), parsed(url)]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a known origin', () => {
  const pem = '-----BEGIN';
  /** How often a key had to be computed. */
  const counting = () => {
    let made = 0;
    const known = new Origins(
      (url, tls, publicOnly) => {
        made += 1;
        const servername = tls?.servername ?? (tls === undefined ? undefined : 'with-tls');
        return ConnectionKey.from(url, servername === undefined ? {} : { servername }, publicOnly);
      },
      () => DEFAULTS,
    );
    return { known, made: () => made };
  };

  it.each<[string, () => [string | URL, TlsOptions | undefined, boolean]]>([
    ['a text', () => ['https://api.test/a', undefined, false]],
    ['a URL object', () => [new URL('https://api.test/a'), undefined, false]],
    ['a text with a port and capitals', () => ['https://API.test:443/a', undefined, false]],
    ['authorities in the options of the call', () => ['https://api.test/a', { ca: pem }, false]],
    ['authorities as bytes', () => ['https://api.test/a', { ca: [Buffer.from(pem)] }, false]],
    ['an untrusted URL', () => ['https://api.test/a', undefined, true]],
  ])('has its key computed once: %s', (_what, call) => {
    const { known, made } = counting();
    const targets = Array.from({ length: 3 }, () => known.resolve(...call()));
    expect(made()).toBe(1);
    expect(targets.map(({ origin, path }) => [origin.key.id, path])).toEqual(
      Array.from({ length: 3 }, () => [targets[0]?.origin.key.id, '/a']),
    );
  });

  it('is another one for every setting, and for what was changed in place', () => {
    const { known, made } = counting();
    const bytes = Buffer.from(pem);
    const list = [pem];
    const calls: [TlsOptions | undefined, boolean][] = [
      [undefined, false],
      [undefined, true],
      [{ ca: pem }, false],
      [{ ca: pem }, true],
      [{ ca: 'other' }, false],
      [{ ca: list }, false],
      [{ ca: pem, rejectUnauthorized: false }, false],
      [{ key: bytes }, false],
    ];
    const ask = (): void =>
      calls.forEach(([tls, publicOnly]) => known.resolve('https://api.test', tls, publicOnly));
    ask();
    ask();
    expect(made()).toBe(calls.length);
    bytes[0] = 0;
    list.push('more');
    ask();
    expect(made()).toBe(calls.length + 2);
  });

  it('is forgotten with its host, and keeps no more variants than its bound', () => {
    const { known, made } = counting();
    const { origin } = known.resolve('https://api.test', { servername: 'a.test' }, false);
    known.resolve('https://api.test', undefined, false);
    known.forget(origin.key.id);
    known.resolve('https://api.test', undefined, false);
    expect(made()).toBe(2);
    known.resolve('https://api.test', { servername: 'a.test' }, false);
    expect(made()).toBe(3);
    for (let i = 0; i < 100; i += 1)
      known.resolve('https://api.test', { servername: `${i}.test` }, false);
    known.resolve('https://api.test', { servername: '99.test' }, false);
    expect(made()).toBe(103);
    known.resolve('https://api.test', { servername: 'a.test' }, false);
    expect(made()).toBe(104);
  });
});

describe('a path', () => {
  const target = (path: string) => requestTarget('', { path });

  it.each([
    ['/a b', '/a%20b'],
    ['/a b ', '/a%20b%20'],
    ['/é/日本', '/%C3%A9/%E6%97%A5%E6%9C%AC'],
    ['/a?q=ü ', '/a?q=%C3%BC%20'],
    ["/it's?q=it's", "/it's?q=it%27s"],
    ['/{id}?{id}', '/%7Bid%7D?{id}'],
    ['/100%', '/100%'],
    ['/a%20b%zz', '/a%20b%zz'],
    ['/é/../b', '/%C3%A9/../b'],
    ['/é/%2e%2E/./b', '/%C3%A9/%2e%2E/./b'],
    ['/a?', '/a'],
    ['é', '/%C3%A9'],
    ['?é', '/?%C3%A9'],
  ])('is encoded as URL parsers do, and its dot segments are left alone: %s', (path, sent) => {
    expect(target(path)).toBe(sent);
  });

  it.each(['/a\rb', '/a\nb', '/a\0b', '/a\tb', '/a\u007fb', '/a#b', '/a\\b', '/a\ud800b'])(
    'that could mean something else on the way is refused: %j',
    (path) => {
      expect(() => target(path)).toThrow(
        expect.objectContaining({ code: 'HOTARU_INVALID_REQUEST' }),
      );
    },
  );

  it('of any text is what the URL parser gives, or refused', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.string({ maxLength: 2, unit: 'grapheme' }),
      fc.constantFrom('?', '/', ' ', '%', "'"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        fc.pre(!/\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path.split('?')[0]!));
        fc.pre(!/[\u0000-\u001f\u007f#\\]/.test(path));
        // A slash in front and a fragment behind, or the parser would trim blanks and read a host.
        expect(target(path)).toBe(parsed(`${HOST}/x${path}#`).slice(2));
      }),
      { numRuns: 5_000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalPath } from './path.js';
import { parsePattern } from './pattern.js';
import { ANY_METHOD, Router } from './router.js';

function routerOf(...patterns: string[]): Router<string> {
  const router = new Router<string>();
  for (const pattern of patterns) router.add(parsePattern(pattern), ['GET'], pattern);
  return router;
}

/** The pattern that matched and its params, for `GET path`; the path as a client may write it. */
function find(router: Router<string>, raw: string, method = 'GET') {
  const reading = normalPath(raw);
  if ('problem' in reading) throw new Error(reading.problem);
  const match = router.find(method, reading.path);
  if (match === undefined) return undefined;
  return [match.target, Object.fromEntries(match.names.map((name, i) => [name, match.values[i]]))];
}

describe('Router', () => {
  it.each([
    ['/a/<int:x>', '/a/-5', { x: -5 }],
    ['/a/<int:x>', '/a/007', { x: 7 }],
    ['/a/<int:x>', '/a/-0', { x: 0 }],
    ['/a/<int:x>', '/a/9007199254740991', { x: 9007199254740991 }],
    ['/a/<int:x>', '/a/9007199254740992', undefined],
    ['/a/<int:x>', `/a/${'9'.repeat(400)}`, undefined],
    ['/a/<int:x>', '/a/1.0', undefined],
    ['/a/<int:x>', '/a/1e3', undefined],
    ['/a/<int:x>', '/a/+1', undefined],
    ['/a/<int:x>', '/a/', undefined],
    ['/a/<int:x>', '/a/-', undefined],
    ['/a/<int:x>', '/a/%31', { x: 1 }],
    ['/a/<int:x>', '/a/%D9%A1', undefined],
    ['/a/<uint:x>', '/a/5', { x: 5 }],
    ['/a/<uint:x>', '/a/-5', undefined],
    ['/a/<decimal:x>', '/a/-1.50', { x: -1.5 }],
    ['/a/<decimal:x>', '/a/2', { x: 2 }],
    ['/a/<decimal:x>', '/a/1.', undefined],
    ['/a/<decimal:x>', '/a/.5', undefined],
    ['/a/<decimal:x>', '/a/1.2.3', undefined],
    ['/a/<decimal:x>', `/a/${'9'.repeat(400)}`, undefined],
    ['/a/<str:x>', '/a/hi%20there', { x: 'hi there' }],
    ['/a/<str:x>', '/a/a%2Fb', undefined],
    ['/a/<str:x>', '/a/', undefined],
    ['/a/<x>', '/a/a%2Fb', { x: 'a/b' }],
    ['/a/<x>', '/a/', undefined],
    ['/a/<x>', '/a/b/', undefined],
    [
      '/<uuid:u>',
      '/123e4567-e89b-12d3-a456-426614174000',
      { u: '123e4567-e89b-12d3-a456-426614174000' },
    ],
    [
      '/<uuid:u>',
      '/123E4567-E89B-12D3-A456-42661417400F',
      { u: '123E4567-E89B-12D3-A456-42661417400F' },
    ],
    ['/<uuid:u>', '/123e4567xe89b-12d3-a456-426614174000', undefined],
    ['/<uuid:u>', '/123e4567-e89b-12d3-a456-42661417400g', undefined],
    ['/<[a-z]{2}:lang>', '/de', { lang: 'de' }],
    ['/<[a-z]{2}:lang>', '/deu', undefined],
    ['/<(?:a|bb):x>', '/bb', { x: 'bb' }],
    ['/<(?:a|bb):x>', '/bbb', undefined],
    ['/page-<uint:n>.json', '/page-12.json', { n: 12 }],
    ['/page-<uint:n>.json', '/page-.json', undefined],
    ['/page-<uint:n>.json', '/page-1.json.json', undefined],
    ['/<name>.json', '/a.json.json', { name: 'a.json' }],
    ['/<a>.<b>', '/x.y.z', { a: 'x', b: 'y.z' }],
    ['/<slug>-<uint:id>', '/my-post-42', { slug: 'my-post', id: 42 }],
    ['/<slug>-<uint:id>', '/-1', undefined],
    ['/<slug>-<uint:id>', '/a--1', { slug: 'a-', id: 1 }],
    ['/<slug>-<uint:id>.html', '/a-b.c-7.html', { slug: 'a-b.c', id: 7 }],
    ['/<a>-<int:b>-<c>', '/x-y-2-z-3', { a: 'x-y', b: 2, c: 'z-3' }],
    ['/<a>-<b>-<int:c>!', '/x-y-z!', undefined],
    ['/<[a-z]+:x>', `/${'a'.repeat(255)}`, { x: 'a'.repeat(255) }],
    ['/<[a-z]+:x>', `/${'a'.repeat(256)}`, undefined],
    ['/<int:a>-<int:b>', '/-5--3', { a: -5, b: -3 }],
    ['/v<[0-9]+:major>.<[0-9]+:minor>', '/v1.2', { major: '1', minor: '2' }],
    ['/<**path:rest>', '/', { rest: '' }],
    ['/f/<**path:rest>', '/f/a/b%20c/', { rest: 'a/b c/' }],
    ['/f/<**path:rest>', '/f/', { rest: '' }],
    ['/f/<**path:rest>', '/f', undefined],
    ['/f/<**path>', '/f/x', { path: 'x' }],
    ['/a', '/a/', undefined],
    ['/a/', '/a', undefined],
    ['/a//b', '/a//b', {}],
    ['/a//b', '/a/b', undefined],
    ['/über', '/%C3%BCber', {}],
    ['/100\\%', '/100%25', {}],
    ['/A', '/a', undefined],
  ])('%s against %s', (pattern, path, params) => {
    const found = find(routerOf(pattern), path);
    expect(found).toEqual(params === undefined ? undefined : [pattern, params]);
  });

  it('prefers literal over typed over any over the rest, whatever was registered first', () => {
    const router = routerOf('/<**path:r>', '/x/<a>', '/x/<int:i>', '/x/5');
    expect(find(router, '/x/5')?.[0]).toBe('/x/5');
    expect(find(router, '/x/6')?.[0]).toBe('/x/<int:i>');
    expect(find(router, '/x/y')?.[0]).toBe('/x/<a>');
    expect(find(router, '/x/y/z')?.[0]).toBe('/<**path:r>');
  });

  it('takes typed and regex segments in the order of registration', () => {
    expect(find(routerOf('/<[0-9]+:a>', '/<int:b>'), '/5')?.[0]).toBe('/<[0-9]+:a>');
    expect(find(routerOf('/<int:b>', '/<[0-9]+:a>'), '/5')?.[0]).toBe('/<int:b>');
  });

  it('leaves a branch that fails further down, and its params with it', () => {
    const router = routerOf('/a/b/c', '/a/<x>/d', '/<y>/b/e', '/<**path:rest>');
    expect(find(router, '/a/b/c')).toEqual(['/a/b/c', {}]);
    expect(find(router, '/a/b/d')).toEqual(['/a/<x>/d', { x: 'b' }]);
    expect(find(router, '/a/b/e')).toEqual(['/<y>/b/e', { y: 'a' }]);
    expect(find(router, '/a/b/f')).toEqual(['/<**path:rest>', { rest: 'a/b/f' }]);
  });

  it('does not match an intermediate node: it falls back to the rest, or to nothing', () => {
    expect(find(routerOf('/a/b'), '/a')).toBeUndefined();
    expect(find(routerOf('/a/b', '/<**path:rest>'), '/a')?.[0]).toBe('/<**path:rest>');
  });

  it('never sees malformed percent-encoding, also where a literal or the rest would match', () => {
    for (const path of ['/%', '/a/%zz', '/%C3', '/100%'])
      expect(() => find(routerOf('/<**path:r>', '/100\\%'), path)).toThrow('is malformed');
  });

  it('keeps an encoded slash apart from a separator in the rest', () => {
    expect(find(routerOf('/f/<**path:rest>'), '/f/a%2fb/c')).toEqual([
      '/f/<**path:rest>',
      { rest: 'a%2Fb/c' },
    ]);
  });

  it('looks for path and method together', () => {
    const router = routerOf('/users/me');
    router.add(parsePattern('/users/<id>'), ['DELETE'], 'delete');
    expect(find(router, '/users/me', 'DELETE')).toEqual(['delete', { id: 'me' }]);
    expect(find(router, '/users/me', 'PUT')).toBeUndefined();
    expect([...router.methodsFor('/users/me')].sort()).toEqual(['DELETE', 'GET']);
    expect(router.methodsFor('/nope').size).toBe(0);
  });

  it('serves HEAD with GET, and every method with any, unless one has its own', () => {
    const router = routerOf('/a');
    router.add(parsePattern('/a'), [ANY_METHOD], 'any');
    expect(find(router, '/a', 'HEAD')?.[0]).toBe('/a');
    expect(find(router, '/a', 'PURGE')?.[0]).toBe('any');
    router.add(parsePattern('/a'), ['HEAD'], 'head');
    expect(find(router, '/a', 'HEAD')?.[0]).toBe('head');
  });

  it('refuses the same pattern and method twice, naming both; names of params make no difference', () => {
    const router = routerOf('/users/<id>');
    expect(() => router.add(parsePattern('/users/<name>'), ['POST', 'GET'], 'x')).toThrow(
      'GET /users/<name> is registered already, as GET /users/<id>',
    );
    expect(router.find('POST', '/users/1'), 'nothing was added').toBeUndefined();
    router.add(parsePattern('/users/<name>'), ['POST'], 'post');
    expect(find(router, '/users/1', 'POST')).toEqual(['post', { name: '1' }]);
    expect(() => routerOf('/p-<int:a>', '/p-<int:b>')).toThrow(/registered already/);
    expect(() => routerOf('/p-<int:a>', '/p-\\<int\\>')).not.toThrow();
  });

  it('reads a segment once, however it is made: no text makes it slow', () => {
    const router = routerOf('/<a>-<b>-<c>-<d>!', '/<decimal:x>', '/<int:x>');
    const path = `/${'-'.repeat(60_000)}`;
    expect(router.find('GET', path)).toBeUndefined();
    expect(router.find('GET', `/${'1'.repeat(60_000)}x`)).toBeUndefined();
    const split = routerOf('/<a>-<b>-<int:c>!', '/<slug>-<uint:id>', '/<int:x>-<str:y>-<int:z>-');
    for (const unit of ['-', '1-', '-a', '--'])
      for (const end of ['', '!', 'x', '-'])
        expect(split.find('GET', `/${unit.repeat(30_000)}x${end}`)).toBeUndefined();
  });

  it('agrees with a naive model on random tables and paths', () => {
    const segment = fc.constantFrom(
      'a',
      'b',
      '',
      '<x>',
      '<int:x>',
      '<str:x>',
      '<[ab]+:x>',
      'a<int:x>',
      '<**path:x>',
    );
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => {
      const rest = parts.indexOf('<**path:x>');
      const kept = rest < 0 ? parts : parts.slice(0, rest + 1);
      return `/${kept.map((part, index) => part.replace(/x>$/, `p${index}>`)).join('/')}`;
    });
    const path = fc
      .array(fc.constantFrom('a', 'b', 'ab', '1', '-7', 'a1', '', 'c%2Fd', '%61'), {
        minLength: 1,
        maxLength: 5,
      })
      .map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(
        fc.uniqueArray(pattern, { maxLength: 8 }),
        fc.array(path, { maxLength: 6 }),
        (patterns, paths) => {
          const router = new Router<string>();
          const kept: string[] = [];
          for (const text of patterns) {
            router.add(parsePattern(text), ['GET'], text);
            kept.push(text);
          }
          for (const each of paths) expect(find(router, each)).toEqual(naive(kept, each));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

/** Tries every pattern; of those that match, the one with the best rank at the first segment they differ in. */
function naive(patterns: string[], path: string): unknown {
  const segments = path.slice(1).split('/').map(decodeURIComponent);
  const order: string[] = []; // kinds of regex segments, in the order of registration, by prefix
  const candidates: { text: string; ranks: number[]; params: object }[] = [];
  for (const text of patterns) {
    const parts = text.slice(1).split('/');
    parts.forEach((part, index) => {
      const key = `${prefixKey(parts.slice(0, index))}→${shape(part)}`;
      if (!order.includes(key)) order.push(key);
    });
    const ranks: number[] = [];
    const params: Record<string, string | number> = {};
    const isMatch = parts.every((part, index) => {
      const value = segments[index];
      if (part.startsWith('<**')) {
        ranks.push(1e6);
        if (value !== undefined)
          params[`p${index}`] = segments
            .slice(index)
            .map((text) => text.replaceAll('/', '%2F'))
            .join('/');
        return value !== undefined;
      }
      if (value === undefined) return false;
      if (!part.includes('<')) {
        ranks.push(0);
        return part === value;
      }
      if (/^<p\d>$/.test(part)) {
        ranks.push(1e5);
        params[`p${index}`] = value;
        return value !== '';
      }
      ranks.push(1 + order.indexOf(`${prefixKey(parts.slice(0, index))}→${shape(part)}`));
      const regex = part.startsWith('<int')
        ? /^(-?\d+)$/
        : part.startsWith('<str')
          ? /^([^/]+)$/
          : part.startsWith('<[')
            ? /^([ab]+)$/
            : /^a(-?\d+)$/;
      const match = regex.exec(value);
      if (match?.[1] === undefined) return false;
      params[`p${index}`] = part.includes('int:') ? Number(match[1]) : match[1];
      return true;
    });
    const hasRest = parts.at(-1)?.startsWith('<**');
    if (isMatch && (hasRest || parts.length === segments.length))
      candidates.push({ text, ranks, params });
  }
  candidates.sort((a, b) => {
    const at = a.ranks.findIndex((rank, index) => rank !== b.ranks[index]);
    return at < 0 ? 0 : a.ranks[at]! - (b.ranks[at] ?? 0);
  });
  const best = candidates[0];
  return best === undefined ? undefined : [best.text, best.params];
}

function shape(part: string): string {
  return part.replace(/p\d>/, '>');
}
function prefixKey(parts: string[]): string {
  return parts.map((part) => `${shape(part)}/`).join('');
}

import { describe, expect, expectTypeOf, it } from 'vitest';
import type { HttpContext } from '../http/context.js';
import { App } from '../app.js';
import type { AnyParams, ParamsOf } from './param-types.js';
import { parsePattern } from './pattern.js';

function problem(pattern: string): string {
  try {
    parsePattern(pattern);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${pattern} parsed`);
}

describe('parsePattern', () => {
  it('names the params from left to right', () => {
    expect(parsePattern('/a/<x>/v<int:y>-<z>/<**path:rest>').names).toEqual([
      'x',
      'y',
      'z',
      'rest',
    ]);
  });

  it('keeps empty segments: /a and /a/ are two patterns', () => {
    expect(parsePattern('/a/').segments).toHaveLength(2);
    expect(parsePattern('/a').segments).toHaveLength(1);
    expect(parsePattern('/').segments).toEqual([{ kind: 'literal', text: '' }]);
  });

  it('takes an escaped bracket as text', () => {
    expect(parsePattern('/\\<x\\>').segments).toEqual([{ kind: 'literal', text: '<x>' }]);
    expect(parsePattern('/\\:id').segments).toEqual([{ kind: 'literal', text: ':id' }]);
  });

  it('takes what follows the last colon of a regex as the name', () => {
    expect(parsePattern('/<(?:de|fr):lang>').names).toEqual(['lang']);
    expect(parsePattern('/<[^\\>]+:x>').names).toEqual(['x']);
  });

  it('shows a caret under the place', () => {
    expect(problem('/users/<float:x>')).toBe(
      'bad pattern: "float" is no type; types are int, uint, decimal, str, uuid; ' +
        'a regex that starts with a letter is written (?:…)\n  /users/<float:x>\n          ^',
    );
  });

  it.each([
    ['users', 0, 'starts with "/"'],
    ['', 0, 'starts with "/"'],
    ['/a/<id', 3, 'never closed'],
    ['/a/id>', 5, '">" without "<"'],
    ['/<int>', 2, 'int is a type'],
    ['/<>', 2, 'is no name'],
    ['/<int:>', 6, 'is no name'],
    ['/<a b>', 2, 'is no name'],
    ['/<x>/<int:x>', 10, 'used twice'],
    ['/<a><b>', 4, 'need text between'],
    ['/<[:x>', 2, 'Invalid regular expression'],
    ['/<**path:a>/b', 11, 'nothing can follow'],
    ['/x<**path:a>', 1, 'stands alone'],
    ['/<**path:a>.js', 1, 'stands alone'],
    ['/<**rest>', 2, 'a catch-all is written <**path:rest>'],
    ['/<**>', 2, 'a catch-all is written <**path:name>'],
    ['/<**a b>', 2, 'a catch-all is written <**path:name>'],
    ['/<**paths>', 2, 'a catch-all is written <**path:name>'],
    ['/a?b', 2, 'never gets to the router'],
    ['/a%20b', 2, 'decoded text'],
    ['/a\\', 2, 'must be followed'],
    ['/:id', 1, 'params are written <name>'],
    [
      '/a/../b',
      3,
      'such a path is refused before it gets to the router: the path has a dot segment',
    ],
    ['/.', 1, 'a dot segment'],
    ['/a\\\\b', 1, 'the path has a backslash'],
    ['/a\u0001b', 1, 'the path has a control character'],
    ['/\ud800', 1, 'half of a character'],
    ['/{id}/x', 1, 'params are written <name>'],
    ['/:id', 1, 'write <id>; for this very text write "\\:id"'],
    ['/{id}', 1, 'write <id>;'],
    ['/*', 1, 'a catch-all takes the whole remainder: write <**path:rest>'],
    ['/files/*', 7, 'write <**path:rest>; for this very text write "\\*"'],
    ['/files/*splat', 7, 'write <**path:splat>'],
    ['/<(?:[a-z]+)+:x>', 5, 'one request could keep the process busy'],
    ['/a/<[^\\>]\\>(?:x*)*:x>', 17, 'one request could keep the process busy'],
    ['/v<.*a.*:x>-<int:n>', 6, 'a regex must read each text in one way only'],
    ['/<(a)\\1:x>', 5, 'a backreference has no bound'],
  ])('refuses %s at column %i: %s', (pattern, column, what) => {
    const lines = problem(pattern).split('\n');
    expect(lines[0]).toContain(what);
    expect(lines[1]).toBe(`  ${pattern}`);
    expect(lines[2]).toBe(`  ${' '.repeat(column)}^`);
  });
});

describe('the types of params', () => {
  it('are read from the pattern', () => {
    expectTypeOf<ParamsOf<'/a/<int:id>'>>().toEqualTypeOf<{ id: number }>();
    expectTypeOf<ParamsOf<'/<uint:a>/<decimal:b>/<str:c>/<uuid:d>/<e>'>>().toEqualTypeOf<{
      a: number;
      b: number;
      c: string;
      d: string;
      e: string;
    }>();
    expectTypeOf<ParamsOf<'/page-<uint:n>.json'>>().toEqualTypeOf<{ n: number }>();
    expectTypeOf<ParamsOf<'/<[a-z]{2}:lang>'>>().toEqualTypeOf<{ lang: string }>();
    expectTypeOf<ParamsOf<'/<(?:a|b):lang>'>>().toEqualTypeOf<{ lang: string }>();
    expectTypeOf<ParamsOf<'/<**path:rest>'>>().toEqualTypeOf<{ rest: string }>();
    expectTypeOf<ParamsOf<'/<**path>'>>().toEqualTypeOf<{ path: string }>();
    expectTypeOf<ParamsOf<string>>().toEqualTypeOf<AnyParams>();
  });

  it('reach the handler', () => {
    const app = new App({ logger: false });
    app.get('/users/<int:id>/<tab>', (ctx) => {
      expectTypeOf(ctx.param('id')).toEqualTypeOf<number>();
      expectTypeOf(ctx.param('tab')).toEqualTypeOf<string>();
      // @ts-expect-error no such param
      ctx.param('nope');
    });
    app.get('/plain', (ctx) => {
      // @ts-expect-error no params at all
      ctx.param('id');
    });
    const pattern: string = '/x/<y>';
    app.get(pattern, (ctx) => {
      expectTypeOf(ctx.param('y')).toEqualTypeOf<string | number>();
    });
    const general = (ctx: HttpContext) => ctx.path;
    app.get('/general/<int:id>', general);
  });
});

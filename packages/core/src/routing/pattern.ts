/**
 * The language of URL patterns: text → segments, or an error with a caret under the place.
 *
 *     /users                a literal segment; it is compared with the percent-decoded path
 *     <name>                one segment, any text but none
 *     <int:id> <uint:n>     whole numbers          <decimal:x>   -1.5
 *     <str:s>               text without a slash, not even an encoded one
 *     <uuid:u>              8-4-4-4-12 hex digits
 *     <[a-z]{2}:lang>       a regex, for the whole segment; what follows the last colon is the name. One that
 *                           could take long is refused (regex-safety.ts), a text of more than 255 no match
 *     page-<uint:n>.json    text and params mixed; a param ends where the text after it first occurs, or later
 *                           if the rest matches only then: `<slug>-<uint:id>` takes `my-post-42`
 *     <**path:rest>         the whole remainder, slashes and all; `<**path>` is named `path`
 *     \<  \>  \:  \%        the character itself
 *
 * Empty segments count: `/a` and `/a/` are two paths, as in Hotaru. What a pattern matches is the
 * router's business (router.ts).
 */
import { HotaruError } from '../errors.js';
import { PARAM_TYPES, readAny, regexReader, type ParamReader } from './param-readers.js';
import { problemOf } from './path.js';
import { judgeRegex, RegexProblem } from './regex-safety.js';

export interface LiteralPart {
  readonly kind: 'literal';
  readonly text: string;
}

export interface ParamPart {
  readonly kind: 'param';
  readonly name: string;
  /** `any`, a type's name, or the regex: two params with the same one accept the same text. */
  readonly type: string;
  readonly read: ParamReader;
  /** Of a regex: where some text can be read in two ways. */
  readonly ambiguousAt?: number | undefined;
}

export type Segment =
  | LiteralPart
  | ParamPart
  | { readonly kind: 'mixed'; readonly parts: readonly (LiteralPart | ParamPart)[] }
  | { readonly kind: 'rest'; readonly name: string };

export interface Pattern {
  readonly text: string;
  readonly segments: readonly Segment[];
  /** Names of the params, from left to right. */
  readonly names: readonly string[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const REST = '**path';
const LONE_SURROGATE = /\p{Cs}/u;
/** How other frameworks write a param or a catch-all. As a literal it would be a route that never matches. */
const FOREIGN = /^(?::(\w+)|\{(\w+)\}|\*{1,2}(\w*))$/;

/**
 * @throws HotaruError `HOTARU_INVALID_PATTERN`; the message shows the pattern with a caret.
 * @example parsePattern('/users/<int:id>').names; // ['id']
 */
export function parsePattern(text: string): Pattern {
  return new PatternParser(text).parse();
}

class PatternParser {
  readonly #text: string;
  readonly #names: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Pattern {
    const text = this.#text as unknown;
    if (typeof text !== 'string')
      throw new HotaruError('HOTARU_INVALID_PATTERN', `a pattern is text, not ${typeof text}`);
    if (!this.#text.startsWith('/')) this.#fail(0, 'a pattern starts with "/"');
    const segments: Segment[] = [];
    while (this.#at < this.#text.length) {
      if (segments.at(-1)?.kind === 'rest')
        this.#fail(this.#at, `nothing can follow <${REST}>: it takes the whole remainder`);
      this.#at++; // the slash
      segments.push(this.#segment());
    }
    return { text: this.#text, segments, names: this.#names };
  }

  #segment(): Segment {
    const start = this.#at;
    const parts: (LiteralPart | ParamPart)[] = [];
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '/') break;
      if (char !== '<') parts.push(this.#literal());
      else if (this.#text.startsWith(`<${REST}`, this.#at)) {
        const name = this.#rest();
        const next = this.#text[this.#at];
        if (parts.length > 0 || (next !== undefined && next !== '/'))
          this.#fail(start, `<${REST}> stands alone in its segment`);
        return { kind: 'rest', name };
      } else {
        if (parts.at(-1)?.kind === 'param')
          this.#fail(
            this.#at,
            'two params need text between them, to tell where the first one ends',
          );
        parts.push(this.#param());
      }
    }
    const written = this.#text.slice(start, this.#at);
    const foreign = FOREIGN.exec(written);
    if (foreign !== null) this.#fail(start, remedyFor(foreign, written));
    const [first] = parts;
    if (first === undefined) return { kind: 'literal', text: '' };
    for (const part of parts)
      if (part.kind === 'literal') this.#checkReachable(part.text, parts.length === 1, start);
    if (parts.length === 1) return first;
    for (const part of parts)
      if (part.kind === 'param' && part.ambiguousAt !== undefined)
        this.#fail(
          part.ambiguousAt,
          'beside other text or params, a regex must read each text in one way only; ' +
            'let each repeat end where the next part begins',
        );
    return { kind: 'mixed', parts };
  }

  #literal(): LiteralPart {
    let text = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '/' || char === '<') return { kind: 'literal', text };
      if (char === '>')
        this.#fail(this.#at, '">" without "<"; for the character itself write "\\>"');
      if (char === '?' || char === '#')
        this.#fail(this.#at, `a pattern is a path: "${char}" never gets to the router`);
      if (char === '%')
        this.#fail(this.#at, 'write the decoded text; for a percent sign write "\\%"');
      if (char === '\\') {
        this.#at++;
        const escaped = this.#text[this.#at];
        if (escaped === undefined || escaped === '/')
          this.#fail(this.#at - 1, '"\\" must be followed by the character it stands for');
        text += escaped;
      } else text += char;
      this.#at++;
    }
  }

  /** What no path has in its one form would be a pattern that never matches. */
  #checkReachable(text: string, isWhole: boolean, start: number): void {
    const problem = LONE_SURROGATE.test(text) ? 'half of a character' : problemOf(text);
    if (problem === undefined || (!isWhole && /^\.\.?$/.test(text))) return;
    this.#fail(start, `such a path is refused before it gets to the router: ${problem}`);
  }

  /** The inside of `<…>`, as far as the first `>` that is not escaped. */
  #token(): { token: string; start: number } {
    const open = this.#at;
    let end = open + 1;
    while (this.#text[end] !== '>') {
      if (end >= this.#text.length) this.#fail(open, '"<" is never closed');
      end += this.#text[end] === '\\' ? 2 : 1;
    }
    this.#at = end + 1;
    return { token: this.#text.slice(open + 1, end), start: open + 1 };
  }

  #rest(): string {
    const { token, start } = this.#token();
    const name = token.slice(REST.length);
    if (name !== '' && !name.startsWith(':'))
      this.#fail(start, `a catch-all is written <${REST}:name>`);
    return this.#name(
      name === '' ? 'path' : name.slice(1),
      start + (name === '' ? 0 : REST.length + 1),
    );
  }

  #param(): ParamPart {
    const { token, start } = this.#token();
    const colon = token.lastIndexOf(':');
    if (colon < 0) {
      if (token.startsWith('**')) {
        const name = /^\w+$/.exec(token.slice(2))?.[0] ?? 'name';
        this.#fail(start, `a catch-all is written <${REST}:${name}>`);
      }
      if (PARAM_TYPES.has(token)) this.#fail(start, `${token} is a type; write <${token}:name>`);
      return { kind: 'param', name: this.#name(token, start), type: 'any', read: readAny };
    }
    const type = token.slice(0, colon);
    const name = this.#name(token.slice(colon + 1), start + colon + 1);
    const read = PARAM_TYPES.get(type);
    if (read !== undefined) return { kind: 'param', name, type, read };
    if (type === '' || /^[A-Za-z_]/.test(type))
      this.#fail(
        start,
        `"${type}" is no type; types are ${[...PARAM_TYPES.keys()].join(', ')}; ` +
          'a regex that starts with a letter is written (?:…)',
      );
    return { ...this.#regex(type, start), kind: 'param', name };
  }

  #regex(written: string, start: number): Pick<ParamPart, 'type' | 'read' | 'ambiguousAt'> {
    const source = written.replaceAll('\\>', '>');
    // Where a place of the source stands in the pattern: each `\>` before it is one character longer.
    const placeOf = (at: number): number =>
      start + at + (source.slice(0, at).split('>').length - 1);
    try {
      const read = regexReader(source);
      const { ambiguousAt: at } = judgeRegex(source);
      return { type: `/${source}/`, read, ...(at !== undefined && { ambiguousAt: placeOf(at) }) };
    } catch (error) {
      this.#fail(
        error instanceof RegexProblem ? placeOf(error.at) : start,
        (error as Error).message,
      );
    }
  }

  #name(name: string, at: number): string {
    if (!NAME.test(name)) this.#fail(at, `"${name}" is no name: letters, digits and _ only`);
    if (this.#names.includes(name)) this.#fail(at, `"${name}" is used twice`);
    this.#names.push(name);
    return name;
  }

  #fail(at: number, problem: string): never {
    const text = this.#text;
    throw new HotaruError(
      'HOTARU_INVALID_PATTERN',
      `bad pattern: ${problem}\n  ${text}\n  ${' '.repeat(at)}^`,
    );
  }
}

function remedyFor([, colon, brace, star]: RegExpExecArray, written: string): string {
  const name = colon ?? brace;
  const here =
    name !== undefined ? `<${name}>` : `<${REST}:${star === '' ? 'rest' : (star ?? 'rest')}>`;
  const what =
    name !== undefined ? 'params are written <name> here' : 'a catch-all takes the whole remainder';
  return `${what}: write ${here}; for this very text write "\\${written}"`;
}

/**
 * The one form of a path, made once, before routing and middleware: the router, `ctx.path` and
 * `ctx.url.pathname` all see it, so a guard on any of them sees what is routed.
 *
 *     %61dmin        admin         a percent-encoding is undone where the character may stand in a path
 *     %c3%bc  "      %C3%BC  %22   anything else is encoded, in upper case: `pchar` of RFC 3986 §3.3 stays
 *     a%2Fb          a%2Fb         an encoded slash stays encoded: it is text of its segment, no separator
 *     //a  /a/       //a  /a/      empty segments count: these are paths of their own
 *
 * Refused: what software further on might read as another path. Dot segments (also `%2e`, also beside an
 * encoded slash), backslashes (also `%5c`), control characters, percent-encoding that is no UTF-8.
 *
 * The form is unambiguous: segments that differ as text differ in it, and a URL parser leaves it as it is.
 */

/** Characters that stand for themselves in a path (`pchar` without `%`, and the slash). */
const PLAIN = /^[\w\-.~!$&'()*+,;=:@/]*$/;
/** `pchar` that `encodeURIComponent` encodes nevertheless. */
const NEEDLESS = /%(?:24|26|2B|2C|3A|3B|3D|40)/g;

const CONTROL = /[\0-\x1f\x7f-\x9f]/;
const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;

/** A path in its one form, or why it is refused. */
export type PathReading = { readonly path: string } | { readonly problem: string };

/** @param raw as it came in: it starts with a slash and has no query. */
export function normalPath(raw: string): PathReading {
  if (PLAIN.test(raw)) return hasDotSegment(raw) ? { problem: DOTS } : { path: raw };
  const segments: string[] = [];
  for (const segment of raw.slice(1).split('/')) {
    const text = decoded(segment);
    if (text === undefined) return { problem: 'the percent-encoding of the path is malformed' };
    const problem = problemOf(text);
    if (problem !== undefined) return { problem };
    segments.push(encodeSegment(text));
  }
  return { path: `/${segments.join('/')}` };
}

/** What no path has: a reason for the text of a segment, undefined when there is none. */
export function problemOf(text: string): string | undefined {
  if (DOT_SEGMENT.test(text)) return DOTS;
  if (text.includes('\\')) return 'the path has a backslash';
  if (CONTROL.test(text)) return 'the path has a control character';
  return undefined;
}

const DOTS = 'the path has a dot segment ("." or "..")';

/** Most paths have no segment that starts with a dot, and are done with one look. */
function hasDotSegment(path: string): boolean {
  return path.includes('/.') && DOT_SEGMENT.test(path);
}

/** The text of one segment in the one form. */
export function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(NEEDLESS, decodeURIComponent);
}

/** The text of a segment in the one form. */
function decodeSegment(segment: string): string {
  return segment.includes('%') ? decodeURIComponent(segment) : segment;
}

/**
 * Of a path in the one form, split before decoding: an encoded slash is text, not a separator. The first entry is
 * what stands before the first slash: nothing.
 */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/');
  if (path.includes('%'))
    for (const [index, segment] of segments.entries()) segments[index] = decodeSegment(segment);
  return segments;
}

function decoded(segment: string): string | undefined {
  for (let index = 0; index < segment.length; index++)
    // A request line is ASCII: text from elsewhere has no bytes to be sure of.
    if (segment.charCodeAt(index) > 0x7f) return undefined;
  try {
    return decodeSegment(segment);
  } catch {
    return undefined;
  }
}

/** The value of a catch-all: segments decoded, but for slashes within one, which stay `%2F`. */
export function joinRest(segments: readonly string[], from: number): string {
  let rest = '';
  for (let index = from; index < segments.length; index++) {
    const segment = segments[index] ?? '';
    if (index > from) rest += '/';
    rest += segment.includes('/') ? segment.replaceAll('/', '%2F') : segment;
  }
  return rest;
}

/** Bytes changed at random, whatever they mean: it finds what no list of known attacks has. */
import type { Random } from './random.js';

/** Pieces that mean something where they come to stand. */
export interface Shards {
  /** Anywhere. */
  readonly shards: readonly string[];
  /** Before or after the whole. */
  readonly extras: readonly string[];
  /** In place of the first line. */
  readonly startLines: readonly string[];
}

type TextDamage = (text: string, random: Random, shards: Shards) => string;

/** One kind of damage; says which. */
export function damageText(
  text: string,
  random: Random,
  shards: Shards,
): [name: string, text: string] {
  const name = random.pick(NAMES);
  return [name, (TEXT_DAMAGE[name] as TextDamage)(text, random, shards)];
}

/** One to three of them: for inputs that were interesting once. */
export function mutateText(text: string, random: Random, shards: Shards): string {
  let mutated = text;
  for (let left = 1 + random.below(3); left > 0; left -= 1)
    mutated = damageText(mutated, random, shards)[1];
  return mutated;
}

const TEXT_DAMAGE: Readonly<Record<string, TextDamage>> = {
  'cut short': (text, random) => text.slice(0, random.below(text.length + 1)),
  'extra bytes': (text, random, { extras }) => text + random.pick(extras),
  'bytes before': (text, random, { extras }) => random.pick(extras) + text,
  'junk start line': (text, random, { startLines }) =>
    random.pick(startLines) + text.slice(text.indexOf('\r\n')),
  'a line end of LF': (text, random) => atLineEnd(text, random, '\n'),
  'a line end of CR': (text, random) => atLineEnd(text, random, '\r'),
  'a missing line end': (text, random) => atLineEnd(text, random, ''),
  'a doubled line end': (text, random) => atLineEnd(text, random, '\r\n\r\n'),
  'an odd line end': (text, random) =>
    atLineEnd(text, random, random.pick(['\n\r', '\r\r\n', '\0', ' \r\n'])),
  'all line ends LF': (text) => text.replaceAll('\r\n', '\n'),
  'an inserted shard': (text, random, { shards }) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + random.pick(shards) + text.slice(at);
  },
  'an overwritten shard': (text, random, { shards }) => {
    const at = random.below(text.length + 1);
    const shard = random.pick(shards);
    return text.slice(0, at) + shard + text.slice(at + shard.length);
  },
  'a changed byte': (text, random) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
  },
  'a flipped bit': (text, random) => {
    const at = random.below(text.length + 1);
    const flipped = text.charCodeAt(at) ^ (1 << random.below(8));
    return text.slice(0, at) + String.fromCharCode(flipped & 255) + text.slice(at + 1);
  },
  'a removed piece': (text, random) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + text.slice(at + 1 + random.below(6));
  },
  'a repeated piece': (text, random) => {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + text.slice(at, at + 1 + random.below(20)) + text.slice(at);
  },
};
const NAMES = Object.keys(TEXT_DAMAGE);

function atLineEnd(text: string, random: Random, replacement: string): string {
  const ends = [...text.matchAll(/\r\n/g)].map(({ index }) => index);
  if (ends.length === 0) return text;
  const at = random.pick(ends);
  return text.slice(0, at) + replacement + text.slice(at + 2);
}

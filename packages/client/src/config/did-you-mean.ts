/** The name that was meant by one that is not known: the message of an error that lists twenty names is not read. */
import { CONSTANTS } from './constants.js';

/** ` (did you mean maxPerHost?)`, or nothing when no name is near. */
export function didYouMean(name: string, allowed: Iterable<string>): string {
  if (name.length > CONSTANTS.maxShownTargetChars) return '';
  const plain = plainOf(name);
  let best: string | undefined;
  let bestDistance = Math.min(CONSTANTS.maxTypos, Math.floor(plain.length / 3)) + 1;
  for (const candidate of allowed) {
    const distance = distanceOf(plain, plainOf(candidate));
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best === undefined ? '' : ` (did you mean ${best}?)`;
}

/** `max_per_host`, `MaxPerHost` and `maxPerHost` are one name, misspelt. */
function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Letters to add, leave out or change (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      const [left = 0, up = 0, corner = 0] = [row[j - 1], above[j], above[j - 1]];
      row.push(Math.min(left + 1, up + 1, corner + change));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}

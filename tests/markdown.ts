/** The code in our pages, for tests. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** Of its first line of code, counted from 1. */
  readonly line: number;
  /** What the page says between the block before and this one. */
  readonly before: string;
}

/** @param page its path from the root of the repository. */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  let end = 0;
  return [...text.matchAll(/^( *)```(\w+)\n([^]*?)\n\1```$/gm)].map((match) => {
    const [whole, indent = '', language = '', code = ''] = match;
    const before = text.slice(end, match.index);
    const line = text.slice(0, match.index).split('\n').length + 1;
    end = match.index + whole.length;
    return { language, text: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), line, before };
  });
}

/** HPACK by another hand: Debian's python3-hpack, one process for a whole script of steps. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type OracleField = readonly [name: string, value: string, isNeverIndexed: boolean];

/** What a step gives: a list of fields or an error's text for `decode`, hexadecimal for `encode`, nothing for the others. */
export type OracleStep =
  | { readonly do: 'start' }
  /** Our decoder's limit, or theirs, changes. */
  | { readonly do: 'offer' | 'resize'; readonly bytes: number }
  | { readonly do: 'decode'; readonly block: string }
  | { readonly do: 'encode'; readonly fields: readonly OracleField[]; readonly huffman: boolean };

export type OracleResult = string | OracleField[];

const SCRIPT = fileURLToPath(new URL('hpack-oracle.py', import.meta.url));
const MAX_OUTPUT_BYTES = 256 * 1_048_576;

/** The Python that has the package: the system's own, whatever other stands before it in the path. */
export function findPythonHpack(): string | undefined {
  return ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import hpack']).status === 0,
  );
}

export function runOracle(python: string, steps: readonly OracleStep[]): OracleResult[] {
  const { status, stdout, stderr } = spawnSync(python, [SCRIPT], {
    input: steps.map((step) => `${JSON.stringify(step)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  if (status !== 0) throw new Error(`python3-hpack: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as OracleResult);
}

/** Runs a program of this repository as a user would, in a process of its own, for tests. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export class Program implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  /** Everything it has printed so far. */
  output = '';
  readonly exit: Promise<number | null>;
  readonly #watchers = new Set<() => void>();

  /** @param script compiled entry, from the root of the repository */
  constructor(script: string, env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [script], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? '', ...env },
    });
    const take = (piece: Buffer): void => {
      this.output += piece.toString();
      for (const look of this.#watchers) look();
    };
    this.child.stdout.on('data', take);
    this.child.stderr.on('data', take);
    this.exit = new Promise((resolve) => {
      this.child.once('exit', (code) => resolve(code));
    });
  }

  /** Resolves with the match as soon as the output has one; rejects when the program ends without. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match === null) return;
        this.#watchers.delete(look);
        resolve(match);
      };
      this.#watchers.add(look);
      look();
      void this.exit.then((code) => {
        look();
        reject(
          new Error(`it ended with code ${code} and never printed ${pattern}:\n${this.output}`),
        );
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exit;
  }
}

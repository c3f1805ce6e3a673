/**
 * A process of the benchmark, as its parent sees it: started on a core of its own, its functions called
 * by name, one answer for each call. What it can be asked is in `workers/` and `origins/`.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './serve.js';

/** Which core: what is measured has one to itself; what it talks to gets the other. */
export type Core = 'measured' | 'other';
const CORE_NUMBER: Record<Core, string> = { measured: '1', other: '0' };
/** A worker that says nothing for so long hangs. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Can processes be pinned here? Not on macOS, not on a single core. */
export const canPin = (() => {
  try {
    execFileSync('taskset', ['-c', CORE_NUMBER.measured, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The command line that runs a program on that core, or wherever it may where that can't be said. */
export function pinned(core: Core, command: string, args: readonly string[]): [string, string[]] {
  return canPin ? ['taskset', ['-c', CORE_NUMBER[core], command, ...args]] : [command, [...args]];
}

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 0;

  /** @param program `workers/client`, say: a module that calls `serve()`. */
  constructor(program: string, core: Core, nodeOptions: readonly string[] = []) {
    this.#name = program;
    const script = fileURLToPath(new URL(`../${program}.js`, import.meta.url));
    const [command, args] = pinned(core, process.execPath, [...nodeOptions, script]);
    this.#child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.#child.on('message', (answer: Answer) => this.#settle(answer));
    this.#child.once('exit', (code, signal) => {
      for (const id of this.#waiting.keys())
        this.#settle({ id, error: `${program} ended (${String(code ?? signal)})` });
    });
  }

  call<T>(name: string, argument?: unknown): Promise<T> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle({ id, error: `${this.#name} gave no answer to ${name}` });
        this.#child.kill('SIGKILL');
      }, ANSWER_TIMEOUT_MS);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        if (answer.error === undefined) resolve(answer.value as T);
        else reject(new Error(answer.error));
      });
      const question: Question = { id, name, argument };
      if (this.#child.connected) this.#child.send(question);
      else this.#settle({ id, error: `${this.#name} has ended` });
    });
  }

  #settle(answer: Answer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    // It has measured what it had to; how long its library takes to shut down does not matter.
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Has a worker do its work in one call of its `run`, on the measured core, and ends it. */
export async function runOnce<T>(
  program: string,
  job: unknown,
  nodeOptions: readonly string[] = [],
): Promise<T> {
  const worker = new WorkerProcess(program, 'measured', nodeOptions);
  try {
    return await worker.call<T>('run', job);
  } finally {
    await worker.stop();
  }
}

/**
 * A process of the benchmark, as its parent sees it: started on a core of its own, its functions called
 * by name, one answer for each call. What it can be asked is in `workers/` and `origins/`; a program that is not
 * Node's is asked, and answers, in lines of JSON.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
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

/** `workers/client`, say: a module that calls `serve()`. Or a program that does as much. */
export type Program = string | { readonly executable: string };

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #nextId = 0;

  constructor(program: Program, core: Core, nodeOptions: readonly string[] = []) {
    const isNode = typeof program === 'string';
    this.#name = isNode ? program : program.executable;
    const [command, args] = isNode
      ? pinned(core, process.execPath, [
          ...nodeOptions,
          fileURLToPath(new URL(`../${program}.js`, import.meta.url)),
        ])
      : pinned(core, program.executable, []);
    this.#child = spawn(command, args, {
      stdio: isNode ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production' },
    });
    this.#child.on('message', (answer: Answer) => this.#settle(answer));
    if (this.#child.stdout !== null)
      createInterface(this.#child.stdout).on('line', (line) =>
        this.#settle(JSON.parse(line) as Answer),
      );
    // What it can't be told any more, its exit answers.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.once('exit', (code, signal) => {
      for (const id of this.#waiting.keys())
        this.#settle({ id, error: `${this.#name} ended (${String(code ?? signal)})` });
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
      if (!this.#send({ id, name, argument }))
        this.#settle({ id, error: `${this.#name} has ended` });
    });
  }

  #send(question: Question): boolean {
    const { stdin } = this.#child;
    if (stdin?.writable === true) stdin.write(`${JSON.stringify(question)}\n`);
    else if (this.#child.connected) this.#child.send(question);
    else return false;
    return true;
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
  program: Program,
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

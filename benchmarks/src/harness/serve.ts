/** The other end of `WorkerProcess`: answers its parent's calls. */

export interface Question {
  id: number;
  name: string;
  argument: unknown;
}

export interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

// Each worker knows its own argument types; over IPC they are only what the parent sends.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Functions = Record<string, (argument: any) => unknown>;

/** Besides its own functions, every worker knows `spentMs`: the CPU time of its process so far. */
export function serve(own: Functions): void {
  const functions: Functions = { spentMs, ...own };
  process.on('message', ({ id, name, argument }: Question) => {
    const call = async (): Promise<unknown> => {
      const work = functions[name];
      if (work === undefined) throw new Error(`nothing here is called ${name}`);
      return await work(argument);
    };
    call().then(
      (value) => send({ id, value }),
      (error: unknown) =>
        send({
          id,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
    );
  });
  process.on('disconnect', () => process.exit());
}

export function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function send(answer: Answer): void {
  process.send?.(answer);
}

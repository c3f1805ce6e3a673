/** Starts the demo's upstream services, each in a process of its own, and says where they listen. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Base URLs of the three services. */
export interface Upstreams {
  readonly catalog: string;
  readonly pricing: string;
  readonly reviews: string;
}

export interface RunningServices extends AsyncDisposable {
  readonly upstreams: Upstreams;
  stop(): Promise<void>;
}

export async function startServices(): Promise<RunningServices> {
  const children: ChildProcess[] = [];
  const start = async (name: string): Promise<string> => {
    const child = fork(fileURLToPath(new URL(`./upstreams/${name}.js`, import.meta.url)));
    children.push(child);
    const port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message: { port: number }) => resolve(message.port));
      child.once('error', reject);
      child.once('exit', (code) =>
        reject(new Error(`the ${name} service ended with code ${code}`)),
      );
    });
    child.removeAllListeners('exit');
    return `http://127.0.0.1:${port}`;
  };
  const [catalog, pricing, reviews] = await Promise.all([
    start('catalog'),
    start('pricing'),
    start('reviews'),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || !child.connected) resolve();
            else {
              child.once('exit', () => resolve());
              child.disconnect();
            }
          }),
      ),
    );
  };
  return { upstreams: { catalog, pricing, reviews }, stop, [Symbol.asyncDispose]: stop };
}

/** All three at one address: a real service in their place. */
export function oneUpstream(url: string): Upstreams {
  return { catalog: url, pricing: url, reviews: url };
}

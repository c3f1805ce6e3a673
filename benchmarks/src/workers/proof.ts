/** Before anything is measured, the origin says what it is asked by: the protocol, and over how many connections. */
import type { BenchClient, ClientTarget } from '../contender.js';

/** `HTTP/2.0 17`: version and connection, as the origins answer `GET /via`. */
const ANSWER = /^(HTTP\/[\d.]+) (\d+)$/;

/** @throws Error for another protocol than that of the target, or more connections. */
export async function prove(
  client: Pick<BenchClient, 'get'>,
  { connections, streams }: Pick<ClientTarget, 'connections' | 'streams'>,
  concurrency: number,
  path: string,
): Promise<void> {
  const wanted = streams === undefined ? 'HTTP/1.1' : 'HTTP/2.0';
  const answers = [await client.get(path)];
  answers.push(...(await Promise.all(Array.from({ length: concurrency }, () => client.get(path)))));
  const seen = new Set<string>();
  for (const answer of answers) {
    const [, protocol, connection = ''] = ANSWER.exec(answer) ?? [];
    if (protocol !== wanted) throw new Error(`the origin was asked by ${answer}, not ${wanted}`);
    seen.add(connection);
  }
  if (seen.size > connections)
    throw new Error(`${seen.size} connections, where ${connections} are allowed`);
}

import type { BenchClient } from '../contender.js';

/** Opens so many connections to the Node origin: by requests that are answered together. */
export async function openAll(client: BenchClient, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => client.get(`/together/${count}`)));
}

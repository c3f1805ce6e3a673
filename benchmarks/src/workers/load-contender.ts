/** Finds a contender by the name of its file. */
import type { ClientContender, ServerContender } from '../contender.js';

export async function loadClient(name: string): Promise<ClientContender> {
  return load<ClientContender>('client', name);
}

export async function loadServer(kind: string, name: string): Promise<ServerContender> {
  return load<ServerContender>(kind, name);
}

async function load<T>(kind: string, name: string): Promise<T> {
  const module = (await import(`../contenders/${kind}/${name}.js`)) as { default: T };
  return module.default;
}

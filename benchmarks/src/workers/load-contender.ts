/** Finds a contender by the name of its file, in this checkout or in another one (harness/against.ts). */
import type { ClientContender, ServerContender } from '../contender.js';
import { contenderFile } from '../harness/against.js';

export async function loadClient(name: string): Promise<ClientContender> {
  return load<ClientContender>('client', name);
}

export async function loadServer(kind: string, name: string): Promise<ServerContender> {
  return load<ServerContender>(kind, name);
}

async function load<T>(kind: string, name: string): Promise<T> {
  const module = (await import(contenderFile(kind, name))) as { default: T };
  return module.default;
}

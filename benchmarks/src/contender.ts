/** What a contender is: one small file that knows how to send one request and read its answer. */

export interface Target {
  readonly url: string;
  /** Requests in flight at a time; a contender opens at most so many connections. */
  readonly concurrency: number;
}

export interface Client {
  /** One request, its body read as text. */
  once(): Promise<void>;
  close(): Promise<void> | void;
}

export interface Contender {
  readonly name: string;
  start(target: Target): Promise<Client> | Client;
}

export const CONTENDERS = [
  'hotaru',
  'undici-pool',
  'undici-request',
  'node-http',
  'raw-net',
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export async function loadContender(name: string): Promise<Contender> {
  const module = (await import(`./contenders/${name}.js`)) as { default: Contender };
  return module.default;
}

/**
 * Host names to addresses: one look-up for all who ask at the same time, kept for a while, handed out
 * in rotation so that connections spread over all addresses of a name.
 *
 * Node's own resolver says nothing of a record's lifetime, so the time is a constant; a failed connect
 * forgets the name at once. Failures are not kept. A look-up that hangs must not hold up those who come later:
 * they ask again, at growing distances, and take the first answer.
 */
import dns, { type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { CONSTANTS } from '../../config/constants.js';
import { shielded } from '../../config/own-options.js';
import type { Clock } from '../../pool/clock.js';

export type Resolve = (host: string) => Promise<LookupAddress[]>;

interface Entry {
  readonly addresses: Promise<LookupAddress[]>;
  readonly expiresAtMs: number;
  readonly askedAtMs: number;
  /** From then on the resolver is asked again, if it has not answered; Infinity once it has. */
  askAgainAtMs: number;
  turn: number;
}

const systemResolve: Resolve = (host) =>
  dns.promises.lookup(host, shielded({ all: true as const, verbatim: true }));

export class DnsCache {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #resolve: Resolve;

  constructor(clock: Clock, resolve: Resolve = systemResolve) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** For the `lookup` option of `net.connect` and `tls.connect`. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.#addresses(host).then(
      (all) => {
        const wanted = options.family === 4 || options.family === 6 ? options.family : 0;
        const addresses = wanted === 0 ? all : all.filter(({ family }) => family === wanted);
        const [first] = addresses;
        if (first === undefined) callback(notFound(host), '', 0);
        else if (options.all === true) callback(null, addresses, 0);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
    );
  };

  /** A connect to one of its addresses failed: they may have moved. */
  forget(host: string): void {
    this.#entries.delete(host);
  }

  async #addresses(host: string): Promise<LookupAddress[]> {
    const now = this.#clock.now();
    let entry = this.#entries.get(host);
    if (entry === undefined || entry.expiresAtMs <= now || entry.askAgainAtMs <= now)
      entry = this.#ask(host, now, entry);
    const addresses = await entry.addresses;
    const start = addresses.length === 0 ? 0 : entry.turn++ % addresses.length;
    return [...addresses.slice(start), ...addresses.slice(0, start)];
  }

  #ask(host: string, nowMs: number, hanging?: Entry): Entry {
    const answer = this.#resolve(host);
    const isHanging = hanging !== undefined && hanging.askAgainAtMs <= nowMs;
    const waitedMs = isHanging ? nowMs - hanging.askedAtMs : 0;
    const entry: Entry = {
      addresses: isHanging ? Promise.race([hanging.addresses, answer]) : answer,
      askedAtMs: isHanging ? hanging.askedAtMs : nowMs,
      askAgainAtMs: nowMs + Math.max(CONSTANTS.slowDialMs, waitedMs),
      expiresAtMs: nowMs + CONSTANTS.dnsTtlMs,
      turn: 0,
    };
    if (this.#entries.size >= CONSTANTS.maxDnsNames) this.#entries.clear();
    this.#entries.set(host, entry);
    entry.addresses.then(
      () => (entry.askAgainAtMs = Infinity),
      () => {
        if (this.#entries.get(host) === entry) this.#entries.delete(host);
      },
    );
    return entry;
  }
}

function notFound(host: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`no address of the wanted family for ${host}`);
  error.code = 'ENOTFOUND';
  return error;
}

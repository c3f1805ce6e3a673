/**
 * From the name of a host to its addresses; under the SSRF guard to the public ones among them. A look-up can't be
 * stopped: what comes of it is kept for the next dial (dns-cache.ts).
 */
import { blockedAddress, isPublicAddress } from './address-guard.js';
import type { DnsCache } from './dns-cache.js';
import type { DialTarget, Layer, LayerEvents, Reached } from './layer.js';

export class DnsLayer implements Layer {
  readonly phase = 'dns';
  readonly missing = 'the host name was not resolved';
  readonly closedEarly = 'the look-up was cut off';
  readonly unfinished: string;
  readonly #target: DialTarget;
  readonly #dns: DnsCache;

  constructor(target: DialTarget, dns: DnsCache) {
    this.#target = target;
    this.#dns = dns;
    this.unfinished = `the host name ${target.host} is still being looked up`;
  }

  start({ socket }: Reached, events: LayerEvents): void {
    const { host, publicOnly } = this.#target;
    this.#dns.lookup(host, { all: true }, (error: unknown, found) => {
      if (error !== null) {
        events.failed(error);
        return;
      }
      const all = typeof found === 'string' ? [] : found;
      const addresses = publicOnly ? all.filter(({ address }) => isPublicAddress(address)) : all;
      if (addresses.length > 0) events.done({ addresses, socket });
      else events.failed(blockedAddress(host, all[0]?.address ?? '?'));
    });
  }

  /** The addresses may have moved. */
  distrust(): void {
    this.#dns.forget(this.#target.host);
  }
}

/**
 * An HTTP/2 origin with the face of a `ScriptedUpstream`: what is a connection there is a lane here (lane.ts). A new
 * stream takes a free lane, or opens one, which begins the next script.
 */
import type { TlsOptions } from 'node:tls';
import { ClientGoneError, turn, type CannedResponse } from '@hotaru/client/testing';
import { Watch } from '../watch.js';
import { Lane } from './lane.js';
import { H2Origin } from './origin.js';
import type { H2Peer } from './peer.js';
import type { H2Request } from './request.js';

export type LaneScript = (lane: Lane) => unknown;

export class Lanes implements AsyncDisposable {
  /** In the order in which scripts have read them. */
  readonly requests: H2Request[] = [];
  /** The lanes, in order. */
  readonly connections: Lane[] = [];
  readonly #origin: Promise<H2Origin>;
  #started: H2Origin | undefined;
  readonly #watch = new Watch();
  readonly #scripts = new Map<number, LaneScript>();
  #scriptOfAll: LaneScript | undefined;
  readonly #failures: unknown[] = [];

  private constructor(tls: TlsOptions | undefined) {
    this.#origin = H2Origin.start({
      ...(tls === undefined ? {} : { tls }),
      onRequest: (peer, request) => this.#accept(peer, request),
      onChange: () => {
        for (const lane of this.connections) lane.changed();
        this.#watch.changed();
      },
    });
  }

  static async start(options: { readonly tls?: TlsOptions } = {}): Promise<Lanes> {
    const lanes = new Lanes(options.tls);
    lanes.#started = await lanes.#origin;
    return lanes;
  }

  /** The origin below. */
  get origin(): H2Origin {
    return this.#started!;
  }
  get url(): string {
    return this.origin.url;
  }
  get port(): number {
    return this.origin.port;
  }
  /** Lanes so far. */
  get accepted(): number {
    return this.connections.length;
  }
  /** Lanes that are not closed. */
  get open(): number {
    return this.connections.filter(({ isClosed }) => !isClosed).length;
  }

  onConnection(script: LaneScript): this;
  onConnection(index: number, script: LaneScript): this;
  onConnection(which: number | LaneScript, script?: LaneScript): this {
    if (typeof which === 'function') this.#scriptOfAll = which;
    else if (script !== undefined) this.#scripts.set(which, script);
    return this;
  }

  /** One for each lane; the last one for all that come then. */
  script(scripts: readonly LaneScript[]): this {
    scripts.forEach((script, index) => this.#scripts.set(index, script));
    this.#scriptOfAll = scripts.at(-1);
    return this;
  }

  respondAlways(response: CannedResponse | ((request: H2Request) => CannedResponse) = {}): this {
    return this.onConnection(async (lane) => {
      for await (const request of lane.incoming())
        await lane.reply(typeof response === 'function' ? response(request) : response);
    });
  }

  async connection(index: number): Promise<Lane> {
    await this.#watch.until(() => this.accepted > index, `lane ${index} opens`);
    return this.connections[index]!;
  }

  async waitForRequests(count: number): Promise<void> {
    await this.#watch.until(() => this.requests.length >= count, `${count} requests come`);
  }

  /** At most `count` lanes are open. A connection that is closed closes its lanes. */
  async waitForOpen(count: number): Promise<void> {
    await this.#watch.until(() => this.open <= count, `no more than ${count} lanes stay open`);
  }

  async close(): Promise<void> {
    await this.origin.close();
    await turn(); // scripts see that their lane is closed
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(peer: H2Peer, request: H2Request): void {
    const free = this.connections.find(({ isFree }) => isFree);
    const lane = free ?? this.#lane();
    lane.begin(peer, request);
    if (free === undefined) {
      this.connections.push(lane);
      void lane.closed.then(() => this.#watch.changed());
      void this.#follow(lane, this.#scripts.get(lane.index) ?? this.#scriptOfAll);
    }
  }

  #lane(): Lane {
    return new Lane(this.connections.length, (request) => {
      this.requests.push(request);
      this.#watch.changed();
    });
  }

  async #follow(lane: Lane, script: LaneScript | undefined): Promise<void> {
    try {
      await script?.(lane);
    } catch (error) {
      if (error instanceof ClientGoneError) return;
      this.#failures.push(error);
      lane.reset();
    }
  }
}

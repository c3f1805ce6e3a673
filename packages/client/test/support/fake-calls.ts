/**
 * Calls without a pool and without a socket: what a call asks of its pool, a host whose dials a test answers with
 * scripted connections, and responses for the `next` of a policy. What the tests of `src/send` and `src/policies`
 * stand on, under a virtual clock.
 */
import { PoolConfig, type PoolConfigInput } from '../../src/config/pool-config.js';
import { ConnectionKey } from '../../src/key/connection-key.js';
import type { RequestInit } from '../../src/message/request.js';
import { ResponseBody } from '../../src/message/response-body.js';
import { ResponseHeaders } from '../../src/message/response-headers.js';
import { ClientResponse, type ResponseSource } from '../../src/message/response.js';
import { Deadlines } from '../../src/pool/deadlines.js';
import type { DialEvents } from '../../src/pool/dialer.js';
import { HostPool } from '../../src/pool/host-pool.js';
import { OriginProtocol } from '../../src/pool/origin-protocol.js';
import { Permits } from '../../src/pool/permits.js';
import type { Dial } from '../../src/pool/waiter.js';
import { Call, type PoolOfCalls } from '../../src/send/call.js';
import { Attempt } from '../../src/send/attempt.js';
import { prepare } from '../../src/send/prepare.js';
import { checkOptions, type SendOptions } from '../../src/send/options.js';
import type { RequestScope } from '../../src/send/request-scope.js';
import { Origins } from '../../src/send/target.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { ScriptedConnection, type ScriptedExchange } from './scripted-connection.js';

export interface Asked {
  readonly url?: string;
  readonly request?: RequestInit;
  readonly options?: SendOptions;
  readonly scope?: RequestScope;
}

export interface Begun {
  readonly attempt: Attempt;
  readonly call: Call;
  readonly response: Promise<ClientResponse>;
}

export interface Sending extends Begun {
  readonly connection: ScriptedConnection;
  readonly exchange: ScriptedExchange;
}

/** What a pool is to its calls. */
export class FakeCalls implements PoolOfCalls {
  readonly clock = new VirtualClock();
  readonly deadlines = new Deadlines(this.clock);
  /** Calls of several requests that are not over. */
  underWayCount = 0;
  readonly #config: PoolConfig;
  readonly #origins: Origins;

  constructor(config: PoolConfigInput = {}) {
    this.#config = PoolConfig.from({ reportLeaks: false, ...config });
    this.#origins = new Origins(
      (url, tls, publicOnly) => ConnectionKey.from(url, tls, publicOnly),
      (key) => this.#config.forHost(key.host, key.port),
    );
  }

  resolve: PoolOfCalls['resolve'] = (url, tls, publicOnly) =>
    this.#origins.resolve(url, tls, publicOnly);

  underWay(change: 1 | -1): void {
    this.underWayCount += change;
  }

  call({ url = 'http://api.test', request = {}, options, scope }: Asked = {}): Call {
    return new Call(this, url, request, checkOptions(options), scope);
  }

  host(): FakeCallHost {
    return new FakeCallHost(this, this.#config);
  }
}

/** A dial that a test ends. */
class ScriptedDial implements Dial {
  phase: Dial['phase'] = 'connect';
  readonly unfinished = 'no TCP connection';
  readonly startedAtMs: number;

  constructor(
    readonly host: FakeCallHost,
    readonly events: DialEvents<ScriptedConnection>,
  ) {
    this.startedAtMs = host.calls.clock.now();
  }

  cancel(): void {
    this.host.forget(this);
  }
}

/** A host whose dials succeed and fail by hand. */
export class FakeCallHost {
  readonly pool: HostPool<ScriptedConnection>;
  readonly connections: ScriptedConnection[] = [];
  #dials: ScriptedDial[] = [];

  constructor(
    readonly calls: FakeCalls,
    config: PoolConfig,
  ) {
    const { clock } = calls;
    const settings = config.forHost('api.test', 80);
    this.pool = new HostPool<ScriptedConnection>('http://api.test', settings, {
      clock,
      permits: new Permits(settings.maxTotal, () => undefined),
      protocol: new OriginProtocol('exclusive'),
      random: () => 1 / 2,
      dial: (events) => {
        const dial = new ScriptedDial(this, events);
        this.#dials.push(dial);
        return dial;
      },
    });
  }

  get dialCount(): number {
    return this.#dials.length;
  }

  /** One attempt for a call, begun. `shape` is what policies would do. What it comes to is looked at later, or never. */
  attempt(asked: Asked = {}, shape?: (call: Call) => void): Begun {
    const begun = this.unwatched(asked, shape);
    begun.response.catch(ignore);
    return begun;
  }

  /** The same, and nothing hears of its promise. */
  unwatched(asked: Asked = {}, shape: (call: Call) => void = ignore): Begun {
    const { clock, deadlines } = this.calls;
    const call = this.calls.call(asked);
    shape(call);
    const attempt = new Attempt({ clock, deadlines }, this.pool, prepare(call), call);
    const response = attempt.start();
    return { attempt, call, response };
  }

  /** An attempt that has a connection, and has begun to send. */
  async sending(asked: Asked = {}, shape?: (call: Call) => void): Promise<Sending> {
    const begun = this.attempt(asked, shape);
    const connection = this.dialCount > 0 ? this.connects() : this.connections.at(-1);
    await polled();
    if (connection === undefined) throw new Error('no dial was begun, and there is no connection');
    return { ...begun, connection, exchange: connection.last };
  }

  /** The oldest dial under way succeeds. `capacity`: for so many callers at once. */
  connects(capacity = 1): ScriptedConnection {
    const { clock } = this.calls;
    const connection = new ScriptedConnection(clock, { id: this.connections.length, capacity });
    this.connections.push(connection);
    this.#oldest().events.connected(connection);
    return connection;
  }

  /** It fails. */
  refuses(error: Error): void {
    this.#oldest().events.failed(error);
  }

  forget(dial: ScriptedDial): void {
    this.#dials = this.#dials.filter((other) => other !== dial);
  }

  #oldest(): ScriptedDial {
    const [dial] = this.#dials;
    if (dial === undefined) throw new Error('no dial is under way');
    this.forget(dial);
    return dial;
  }
}

/** A whole poll of the event loop has passed (connection/turn.ts). */
export async function polled(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await new Promise(setImmediate);
}

/** A response without a connection. */
export function fakeResponse(
  status: number,
  fields: readonly (readonly [string, string])[] = [],
  url = 'http://api.test/',
): ClientResponse & { readonly isDiscarded: boolean } {
  let text = '';
  const offsets: number[] = [];
  for (const [name, value] of fields) {
    const start = text.length;
    text += `${name}:${value}\n`;
    offsets.push(start, start + name.length, start + name.length + 1, text.length - 1);
  }
  const producer = { pauseBody: ignore, resumeBody: ignore, abandonBody: () => body.end() };
  const body = new ResponseBody(producer, -1, Infinity, Infinity);
  const source = { url, method: 'GET', attempts: [], callSite: undefined, name: ignore };
  const response = new ClientResponse({
    statusLine: { status, text: '', reasonStart: 0, reasonEnd: 0 },
    headers: new ResponseHeaders({ text, offsets }),
    body,
    source: source as unknown as ResponseSource, // no test of a policy asks for more of it
  });
  return Object.defineProperty(response, 'isDiscarded', {
    get: () => body.use === 'discarded',
  }) as ClientResponse & { readonly isDiscarded: boolean };
}

function ignore(): void {
  // nothing to do
}

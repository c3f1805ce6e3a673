/**
 * How a hostile case is run. One rule holds for all of them, whatever the first response was: the
 * next request on the same pool gets its own answer, and the sockets the origin accepted show
 * whether the first connection was used again.
 */
import {
  ConnectionPool,
  HotaruClientError,
  type ErrorCode,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
  type RequestScope,
} from '@hotaru/client';
import {
  ScriptedUpstream,
  type PeerScript,
  type ReceivedRequest,
  type ScriptedPeer,
} from '@hotaru/client/testing';
import { describe, expect, it } from 'vitest';
import type { Peer } from '../support/protocols.js';

/** What the origin does once it has read the first request. Text is sent as it stands (latin-1). */
export type Misdeed =
  string | Uint8Array | ((peer: ScriptedPeer, request: ReceivedRequest) => unknown);

/** A response that must come out as it is, and whether its connection serves the next request. */
export interface Accepted {
  readonly status?: number;
  readonly statusText?: string;
  readonly body?: string;
  /** Values as `headers.get()` gives them; undefined: the field must be absent. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Must it, must it not, or may the connection serve the next request. */
  readonly reuse: boolean | 'either';
}

/** An error that must come, with one of these codes; its connection never serves another request. */
export interface Refused {
  readonly error: ErrorCode | readonly ErrorCode[];
}

/** Where an RFC leaves the choice: any of these is safe. */
export interface AnyOf {
  readonly anyOf: readonly (Accepted | Refused)[];
}

export type Expectation = Accepted | Refused | AnyOf;

export interface HostileCase {
  /** A promise: what holds in this case. */
  readonly name: string;
  readonly origin: Misdeed;
  readonly request?: RequestInit;
  readonly options?: SendOptions;
  readonly pool?: PoolConfigInput;
  readonly expect: Expectation;
  /** `https` origin. Default: plain. */
  readonly tls?: { readonly origin: object; readonly client: NonNullable<SendOptions['tls']> };
}

/** What the call came to. */
export type Outcome =
  | {
      readonly status: number;
      readonly statusText: string;
      readonly headers: Record<string, string | string[]>;
      readonly body: string;
      readonly trailers: Record<string, string | string[]>;
    }
  | { readonly code: ErrorCode | undefined; readonly error: unknown };

/** A call that hangs is told from one that fails by this: a promise of an error means at once. A loaded machine is slow. */
export const HANG_GUARD_MS = 10_000;

const NEXT_BODY = 'the next answer';

export const PROTOCOL: Refused = { error: 'HOTARU_PROTOCOL_ERROR' };
export const CLOSED: Refused = { error: 'HOTARU_CONNECTION_CLOSED' };
export const BROKEN: Refused = { error: ['HOTARU_PROTOCOL_ERROR', 'HOTARU_CONNECTION_CLOSED'] };

/** `HTTP/1.1 200 OK` with these fields, and what follows the empty line. */
export function ok(fields: readonly string[], after = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${after}`;
}

/** A 200 with `body` and its length. */
export function whole(body: string, ...fields: string[]): string {
  return ok([`Content-Length: ${body.length}`, ...fields], body);
}

/** A chunked 200 with these raw bytes after the head. */
export function chunked(raw: string, ...fields: string[]): string {
  return ok(['Transfer-Encoding: chunked', ...fields], raw);
}

/** Sends, then FIN. */
export function thenFin(bytes: string): Misdeed {
  return async (peer) => {
    await peer.write(bytes);
    peer.end();
  };
}

/** Sends, lets the client read it, then RST. */
export function thenReset(bytes: string): Misdeed {
  return (peer) => peer.resetAfter(bytes, bytes.length);
}

/** One `it` for each case. */
export function promises(title: string, cases: readonly HostileCase[]): void {
  describe(title, () => {
    const names = new Set<string>();
    for (const hostile of cases) {
      if (names.has(hostile.name)) throw new Error(`two cases are named ${hostile.name}`);
      names.add(hostile.name);
      it(hostile.name, () => runCase(hostile));
    }
  });
}

export async function runCase(hostile: HostileCase): Promise<void> {
  const { origin } = hostile;
  await using upstream = await ScriptedUpstream.start(
    hostile.tls === undefined ? {} : { tls: hostile.tls.origin },
  );
  upstream.script([misbehaving(origin), answering]);
  const pool = new ConnectionPool(hostile.pool ?? {});
  const tls = hostile.tls === undefined ? {} : { tls: hostile.tls.client };
  try {
    const outcome = await attempt(pool, upstream.url, hostile.request, {
      timeout: HANG_GUARD_MS,
      ...tls,
      ...hostile.options,
    });
    const expectation = matching(outcome, hostile.expect);
    const next = await attempt(
      pool,
      upstream.url,
      { path: '/next' },
      { timeout: HANG_GUARD_MS, ...tls },
    );
    expect(next, 'the next request gets its own answer').toMatchObject({
      status: 200,
      body: NEXT_BODY,
    });
    expectReuse(upstream, expectation);
    if (upstream.accepted === 2) await upstream.waitForOpen(1, HANG_GUARD_MS);
  } finally {
    pool.close();
  }
  await upstream.waitForOpen(0, HANG_GUARD_MS);
}

/** Reads the first request, does what the case says, and answers the requests that still come. */
export function misbehaving(origin: Misdeed): PeerScript {
  return async (peer) => {
    const request = await peer.readRequest();
    if (typeof origin === 'function') await origin(peer, request);
    else await peer.write(origin);
    await answering(peer);
  };
}

/** Answers every request correctly. */
export async function answering(peer: Peer): Promise<void> {
  for await (const request of peer.incoming())
    if (!peer.isEnded) await peer.respond(200, { 'x-answers': request.target }, NEXT_BODY);
}

/** Sends, reads the whole body as latin-1, and never rejects. */
export async function attempt(
  pool: ConnectionPool,
  url: string,
  request: RequestInit = {},
  options: SendOptions = {},
  scope?: RequestScope,
): Promise<Outcome> {
  try {
    const response = await pool.sendRequest(url, request, options, scope);
    const body = Buffer.from(await response.bytes()).toString('latin1');
    return {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers.toObject(),
      body,
      trailers: (await response.trailers).toObject(),
    };
  } catch (error) {
    return { code: error instanceof HotaruClientError ? error.code : undefined, error };
  }
}

/** The code of an outcome that must be an error. */
export function codeOf(outcome: Outcome): ErrorCode | undefined {
  if (!('error' in outcome)) throw new Error(`an error was due, not ${JSON.stringify(outcome)}`);
  if (outcome.code === undefined) throw outcome.error;
  return outcome.code;
}

function matching(outcome: Outcome, expectation: Expectation): Accepted | Refused {
  const choices = 'anyOf' in expectation ? expectation.anyOf : [expectation];
  const kind = 'error' in outcome ? 'error' : 'reuse';
  const choice = choices.find((one) => kind in one) ?? choices[0];
  if (choice === undefined) throw new Error('a case without an expectation');
  if ('error' in choice) expect([choice.error].flat()).toContain(codeOf(outcome));
  else expectAccepted(outcome, choice);
  return choice;
}

function expectAccepted(outcome: Outcome, accepted: Accepted): void {
  if ('error' in outcome) throw outcome.error;
  expect(outcome.status).toBe(accepted.status ?? 200);
  if (accepted.statusText !== undefined) expect(outcome.statusText).toBe(accepted.statusText);
  if (accepted.body !== undefined) expect(outcome.body).toBe(accepted.body);
  for (const [name, value] of Object.entries(accepted.headers ?? {}))
    expect(outcome.headers[name], name).toEqual(value);
  if (accepted.trailers !== undefined) expect(outcome.trailers).toEqual(accepted.trailers);
}

function expectReuse(upstream: ScriptedUpstream, expectation: Accepted | Refused): void {
  const reuse = 'reuse' in expectation ? expectation.reuse : false;
  if (reuse !== 'either')
    expect(upstream.accepted, 'sockets accepted for both requests').toBe(reuse ? 1 : 2);
}

/** Reads to the end, and lets what is read go. */
export async function consume(pieces: AsyncIterable<unknown>): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  let isDone = false;
  while (!isDone) isDone = (await iterator.next()).done === true;
}

/** Chance that is the same in every run: whole numbers from 0 up to `below` (mulberry32). */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * How a case of a misbehaving HTTP/2 origin is run. Whatever became of its call: the next call on the same pool gets
 * its own answer, the sockets that the origin accepted show whether the connection was used again, and what the origin
 * received shows that the request went out once, and how the client ended the stream or the connection.
 */
import {
  ConnectionPool,
  HotaruClientError,
  type ErrorCode,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import { describe, expect, it } from 'vitest';
import { attempt, HANG_GUARD_MS, type Outcome } from '../hostile/support.js';
import {
  data,
  FRAME,
  headers,
  type DataOptions,
  type HeadersOptions,
} from '../support/h2/frames.js';
import { answering, H2Origin, type H2Script } from '../support/h2/origin.js';
import type { H2Peer } from '../support/h2/peer.js';
import type { H2Request } from '../support/h2/request.js';
import type { Field } from '../support/h2/hpack.js';

/** What the origin does with the first request: frames for its stream, or a script. */
export type Misdeed =
  | ((streamId: number) => Uint8Array | readonly Uint8Array[])
  | { readonly script: (peer: H2Peer, request: H2Request) => unknown };

/** The answer that must come out of the call. */
export interface Came {
  readonly status?: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly trailers?: Readonly<Record<string, string>>;
}

/** The error that it must end with, and what its message says. */
export interface Failed {
  readonly error: ErrorCode | readonly ErrorCode[];
  readonly words?: RegExp;
}

export interface H2Case {
  /** A promise: what holds in this case. */
  readonly name: string;
  readonly origin: Misdeed;
  /** What the origin begins with. Default: an empty SETTINGS. */
  readonly greeting?: readonly Uint8Array[];
  readonly request?: () => RequestInit;
  readonly options?: SendOptions;
  readonly pool?: PoolConfigInput;
  readonly expect: Came | Failed;
  /** Does the next call use the same connection? */
  readonly reuse: boolean | 'either';
  /** The code that the client must have reset the stream with. */
  readonly reset?: number;
  /** The code of the GOAWAY that the client must have left with. */
  readonly goaway?: number;
  /** How often the request must have reached the origin. Default 1. */
  readonly sends?: number;
  /** A good call before: so that the connection is a reused one. */
  readonly warm?: boolean;
  /** The origin does its misdeed when it has the head; else when it has the whole request. */
  readonly atHead?: boolean;
}

export const NEXT_BODY = 'the next answer';
export const H2: PoolConfigInput = Object.freeze({ http2: 'prior-knowledge' });

export const PROTOCOL: Failed = { error: 'HOTARU_PROTOCOL_ERROR' };
export const CLOSED: Failed = { error: 'HOTARU_CONNECTION_CLOSED' };

/** `PROTOCOL` with words of its message. */
export function protocol(words: RegExp): Failed {
  return { error: 'HOTARU_PROTOCOL_ERROR', words };
}

export function closed(words: RegExp): Failed {
  return { error: 'HOTARU_CONNECTION_CLOSED', words };
}

/** HEADERS with 200 and these fields. */
export function ok(streamId: number, fields: readonly Field[] = [], options: HeadersOptions = {}) {
  return headers(streamId, [[':status', '200'], ...fields], options);
}

/** A whole answer in two frames. */
export function whole(streamId: number, body: string, options: DataOptions = {}): Buffer {
  const length: Field = ['content-length', String(body.length)];
  return Buffer.concat([ok(streamId, [length]), data(streamId, body, { end: true, ...options })]);
}

/** The body of a POST as a stream that can be read once. */
export function streamed(...pieces: string[]): RequestInit {
  async function* body() {
    for (const piece of pieces) {
      await Promise.resolve();
      yield piece;
    }
  }
  return { method: 'POST', body: body() };
}

export function post(body: string | Uint8Array = 'a body'): RequestInit {
  return { method: 'POST', body };
}

/** One `it` for each case. */
export function promises(title: string, cases: readonly H2Case[]): void {
  describe(title, () => {
    const names = new Set<string>();
    for (const hostile of cases) {
      if (names.has(hostile.name)) throw new Error(`two cases are named ${hostile.name}`);
      names.add(hostile.name);
      it(hostile.name, () => runCase(hostile));
    }
  });
}

const FIRST_PATH = '/first';

/** Good requests are answered; the first one to `/first` meets the misdeed. */
export function misbehaving({
  origin,
  atHead = false,
}: Pick<H2Case, 'origin' | 'atHead'>): H2Script {
  return async (peer) => {
    for await (const request of peer.incoming()) {
      if (request.target !== FIRST_PATH) {
        await peer.readBody(request);
        await peer.respond(request, 200, [['x-answers', request.target]], NEXT_BODY);
        continue;
      }
      if (!atHead) await peer.readBody(request);
      if ('script' in origin) await origin.script(peer, request);
      else await peer.send(...[origin(request.streamId)].flat());
    }
  };
}

export async function runCase(hostile: H2Case): Promise<void> {
  await using origin = await H2Origin.start();
  const run = misbehaving(hostile);
  const { greeting, request = () => ({}), reuse, sends = 1, warm = false } = hostile;
  origin.script([greeting === undefined ? run : { greeting, run }, answering(NEXT_BODY)]);
  const pool = new ConnectionPool({ ...H2, ...hostile.pool });
  const call = (init: RequestInit, options?: SendOptions) =>
    attempt(pool, origin.url, init, { timeout: HANG_GUARD_MS, ...options });
  try {
    if (warm) expectAnswer(await call({ path: '/warm' }));
    const outcome = await call({ ...request(), path: FIRST_PATH }, hostile.options);
    expectOutcome(outcome, hostile.expect);
    expectAnswer(await call({ path: '/next' }));
    const first = origin.requests.filter(({ target }) => target === FIRST_PATH);
    expect(first, 'how often the request came').toHaveLength(sends);
    if (reuse !== 'either')
      expect(origin.accepted, 'sockets accepted for both requests').toBe(reuse ? 1 : 2);
    await expectEnd(hostile, origin.connections[0]!, first[0]);
    if (origin.accepted === 2) await origin.waitForOpen(1);
  } finally {
    pool.close();
  }
  await origin.waitForOpen(0);
}

function expectAnswer(outcome: Outcome): void {
  if ('error' in outcome) throw outcome.error;
  expect(outcome, 'another request gets its own answer').toMatchObject({
    status: 200,
    body: NEXT_BODY,
  });
}

function expectOutcome(outcome: Outcome, due: Came | Failed): void {
  if (!('error' in due)) {
    if ('error' in outcome) throw outcome.error;
    expect(outcome.status).toBe(due.status ?? 200);
    if (due.body !== undefined) expect(outcome.body).toBe(due.body);
    for (const [name, value] of Object.entries(due.headers ?? {}))
      expect(outcome.headers[name], name).toEqual(value);
    if (due.trailers !== undefined) expect(outcome.trailers).toEqual(due.trailers);
    return;
  }
  if (!('error' in outcome)) throw new Error(`an error was due, not ${JSON.stringify(outcome)}`);
  if (!(outcome.error instanceof HotaruClientError)) throw outcome.error;
  if (![due.error].flat().includes(outcome.error.code)) throw outcome.error;
  if (due.words !== undefined) expect(outcome.error.message).toMatch(due.words);
}

async function expectEnd(
  { reset, goaway }: H2Case,
  peer: H2Peer,
  first: H2Request | undefined,
): Promise<void> {
  if (goaway !== undefined) {
    await peer.until(() => peer.goaway !== undefined, 'the client says GOAWAY');
    expect(peer.goaway?.code, 'the code of GOAWAY').toBe(goaway);
  }
  if (reset !== undefined) {
    await peer.until(() => first?.resetCode !== undefined, 'the client says RST_STREAM');
    expect(first?.resetCode, 'the code of RST_STREAM').toBe(reset);
    expect(peer.framesOf(FRAME.rstStream, first?.streamId)).toHaveLength(1);
  }
}

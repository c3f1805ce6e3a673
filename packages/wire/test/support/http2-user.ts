/**
 * A user of the HTTP/2 codec for fuzz runs, in either role. What it does follows from a seed and the number of a stream, not
 * from how the bytes were cut; and it checks what must hold whatever a peer sends: the order of events, one end for each stream,
 * bodies as long as they are said to be. A broken property is an `Error` with its name.
 */
import { fieldsOf, WireError, type FieldSection } from '../../src/index.js';
import type { BodyTaker } from '../../src/http1/message-reader.js';
import { Http2Codec } from '../../src/http2/codec.js';
import type {
  Http2ConnectionEvents,
  Http2Limits,
  Http2RequestHead,
  Http2ResponseHead,
  Http2Stream,
  Http2StreamEvents,
} from '../../src/http2/stream-api.js';
import { Random, seedOf } from './random.js';
import { must } from './reading.js';

export type Role = 'client' | 'server';
type Head = Http2RequestHead & Http2ResponseHead;

/** `calm` users end what they begin; `wild` ones do what users do: reset, pause, refuse, throw, call from within events. */
export type Mood = 'calm' | 'wild';

/** Small, so that a session meets them. */
export const LIMITS: Http2Limits = {
  streamWindowBytes: 70_000,
  maxStreamWindowBytes: 280_000,
  connectionWindowBytes: 200_000,
  headerTableBytes: 4_096,
  maxHeaderListBytes: 8_192,
  maxHeaderCount: 40,
  maxConcurrentStreams: 10,
  maxInformational: 4,
  maxContinuations: 4,
  idleFrameAllowance: 40,
  resetAllowance: 10,
  idleFramesPerSecond: 10,
  resetsPerSecond: 10,
  maxQueuedAnswers: 20,
};

const BODY = Buffer.alloc(65_536, 'body of a message ');
const NAMES = ['x-a', 'Accept', 'content-type', 'cookie', 'authorization', 'etag', 'x-request-id', 'Content-Encoding', 'vary']; // prettier-ignore
const VALUES = ['', 'a', 'text/plain', 'sid=1', 'sid=0123456789abcdef0123456789', 'W/"1"', 'gzip', 'é', 'v'.repeat(200)]; // prettier-ignore

export function someFields(random: Random, most: number): string[] {
  return random.several(random.below(most + 1), () => [random.pick(NAMES), random.pick(VALUES)]).flat(); // prettier-ignore
}

/** What a user throws from an event, and what it refuses a body with. */
export class UserError extends Error {}

export class User implements Http2ConnectionEvents {
  readonly role: Role;
  readonly codec: Http2Codec;
  readonly seed: number;
  readonly mood: Mood;
  /** By the order they were opened in. */
  readonly streams: StreamUser[] = [];
  /** What happened, in order; data that follows data of the same stream is one entry. */
  readonly log: string[] = [];
  isOver = false;

  constructor(role: Role, seed: number, mood: Mood) {
    this.role = role;
    this.seed = seed;
    this.mood = mood;
    this.codec = new Http2Codec(role, this, LIMITS);
    this.codec.start();
  }

  note(entry: string): void {
    must(!this.isOver || entry.startsWith('closed'), `nothing after the end: ${entry}`);
    if (this.log.at(-1) !== entry || !entry.endsWith(' data')) this.log.push(entry);
  }

  /** The client's role: one more request, if there is room for it. */
  open(): void {
    const { codec } = this;
    if (codec.isLeaving || codec.activeCount >= codec.peer.maxConcurrentStreams) return;
    const user = new StreamUser(this, this.streams.length);
    this.streams.push(user);
    const { random } = user;
    const method = random.pick(['GET', 'GET', 'POST', 'HEAD', 'CONNECT']);
    const request = {
      method,
      scheme: 'https',
      authority: 'a.test:443',
      target: random.pick(['/', '/a/b?c=d', `/${random.below(9)}`]),
      fields: someFields(random, 6),
      contentLength: user.left > 0 && random.oneIn(2) && !user.hasTrailers ? user.left : -1,
    };
    const isLast = user.left === 0 && !user.hasTrailers;
    user.asked = method;
    if (isLast) user.hasSent = true;
    user.stream = codec.request(request, user, isLast);
    if (!isLast) user.pump();
  }

  onStream(stream: Http2Stream): StreamUser {
    const user = new StreamUser(this, this.streams.length);
    user.stream = stream;
    this.streams.push(user);
    return user;
  }

  onOutput(): void {}

  onSettings(): void {
    this.note('settings');
  }

  onGoaway(lastStreamId: number, code: number, debugText: string): void {
    must(this.codec.isLeaving, 'after GOAWAY no stream is opened');
    this.note(`goaway ${lastStreamId} ${code} ${debugText}`);
  }

  onPong(): void {
    this.note('pong');
  }

  onStreamClosed(stream: Http2Stream): void {
    const user = this.streams.find((one) => one.stream === stream);
    must(user !== undefined && !user.isGone, 'each stream leaves once');
    must(stream.isClosed, 'a stream that has left is closed');
    this.note(`closed ${stream.id}`);
    if (user !== undefined) user.isGone = true;
  }

  /** Between two steps of a session. */
  between(): void {
    for (const user of this.streams) user.between();
  }

  /** What must hold once the connection is over. */
  checkSettled(): void {
    must(this.codec.activeCount === 0, 'no stream is left');
    for (const user of this.streams) user.checkSettled();
  }
}

type Stage = 'waiting' | 'body' | 'ended' | 'failed' | 'dropped';

export class StreamUser implements Http2StreamEvents<Head>, BodyTaker {
  readonly random: Random;
  readonly #user: User;
  stream!: Http2Stream;
  asked = '';
  stage: Stage = 'waiting';
  isGone = false;
  /** Of our own message: bytes that are to be sent. */
  left: number;
  readonly hasTrailers: boolean;
  hasSent = false;
  #hasStopped = false;
  #hasAnswered = false;
  #received = 0;
  #expected = -1;
  #sum = 0;
  readonly #wild: number;
  #informs: number;

  constructor(user: User, index: number) {
    this.#user = user;
    this.random = new Random(seedOf(user.seed, index));
    const { random } = this;
    this.left = random.oneIn(60)
      ? random.pick([20_000, 60_000])
      : random.pick([0, 0, 5, 300, 2_000]);
    this.hasTrailers = random.oneIn(5);
    this.#informs = random.oneIn(5) ? 1 + random.below(2) : 0;
    this.#wild = user.mood === 'wild' ? random.below(40) : 99;
  }

  #note(event: string): void {
    must(!this.isGone, `${event} behind the last event of a stream`);
    this.#user.note(`${this.stream.id} ${event}`);
  }

  /** What a wild user does from within an event. */
  #act(where: number): void {
    const { codec, streams, role } = this.#user;
    switch (this.#wild - where) {
      case 0:
        this.#drop();
        return;
      case 1:
        this.stream.pause();
        return;
      case 2: {
        // Another one, which may have ended.
        const other = streams[0];
        if (other !== this) other?.drop();
        return;
      }
      case 3:
        codec.ping();
        return;
      case 4:
        if (role === 'client') this.#user.open();
        else codec.goaway(0, true);
        return;
      case 5:
        this.#throw();
    }
  }

  #throw(): never {
    throw new UserError('thrown by a user');
  }

  drop(): void {
    if (this.stream.isClosed) return;
    this.#drop();
  }

  #drop(): void {
    const wasClosed = this.stream.isClosed;
    if (!wasClosed || this.stage !== 'ended') this.stage = 'dropped';
    this.stream.reset(8);
  }

  onInformational(head: Http2ResponseHead): void {
    must(this.stage === 'waiting' && this.#user.role === 'client', 'a 1xx comes before the head');
    must(head.status >= 100 && head.status < 200, 'a 1xx is one');
    this.#note(`informational ${head.status} ${shown(head)}`);
    this.#act(20);
  }

  onHead(head: Head, hasBody: boolean): BodyTaker | undefined {
    must(this.stage === 'waiting', 'one head');
    this.stage = 'body';
    const { role } = this.#user;
    if (role === 'client') {
      must(head.status >= 200 && head.status <= 999, 'a final head has a status');
      this.#expected = hasBody && this.asked !== 'CONNECT' ? head.bodyLength : -1;
      this.#note(`head ${head.status} ${hasBody} ${head.bodyLength} ${shown(head)}`);
    } else {
      must(head.method !== '' && head.authority !== '', 'a request has its parts');
      this.#expected = head.contentLength;
      this.#note(`head ${head.method} ${head.target} ${head.contentLength} ${hasBody} ${shown(head)}`); // prettier-ignore
      if (this.random.oneIn(2)) this.#answer();
    }
    this.#act(0);
    return this.#wild === 19 ? undefined : this;
  }

  take(bytes: Buffer, start: number, end: number): Error | undefined {
    must(this.stage === 'body', 'data comes behind its head and before its end');
    must(start < end && end <= bytes.length, 'data is of the bytes that were given');
    if (this.#wild === 18) return new UserError('refused');
    this.#received += end - start;
    must(this.#expected === -1 || this.#received <= this.#expected, 'no more than was announced');
    for (let i = start; i < end; i += 1) this.#sum = (Math.imul(this.#sum, 31) + (bytes[i] ?? 0)) | 0; // prettier-ignore
    this.#note('data');
    return undefined;
  }

  onEnd(trailers: FieldSection | undefined): void {
    must(this.stage === 'body', 'an end comes behind a head, once');
    this.stage = 'ended';
    must(this.#expected === -1 || this.#received === this.#expected || this.asked === 'HEAD' || this.#received === 0, 'as much as was announced'); // prettier-ignore
    this.#note(`end ${this.#received} ${this.#sum} ${trailers === undefined ? '' : shown(trailers)}`); // prettier-ignore
    this.#act(10);
    if (this.#user.role === 'server') this.#answer();
  }

  onRoom(): void {
    must(!this.stream.isClosed, 'room is of a stream that is open');
    this.pump();
  }

  onStopSending(reason: Error): void {
    must(this.stage === 'ended' && !this.#hasStopped, 'a stop comes behind an end, once');
    this.#hasStopped = true;
    this.#note(`stop ${reasonOf(reason)}`);
  }

  onFailed(error: Error, isUnprocessed: boolean): void {
    must(this.stage === 'waiting' || this.stage === 'body', 'a failure is of what has not ended');
    must(!isUnprocessed || this.stage === 'waiting', 'what was answered was processed'); // prettier-ignore
    this.stage = 'failed';
    this.#note(`failed ${reasonOf(error)} ${isUnprocessed} ${this.#received} ${this.#sum}`);
    must(this.stream.isClosed, 'a stream that has failed is closed');
    if (this.#wild === 16) this.#throw();
  }

  /** The server's role. */
  #answer(): void {
    const { stream, random } = this;
    if (this.#hasAnswered || stream.isClosed) return;
    for (; this.#informs > 0; this.#informs -= 1)
      stream.inform(random.pick([100, 103, 199]), someFields(random, 2));
    this.#hasAnswered = true;
    const isLast = this.left === 0 && !this.hasTrailers;
    if (isLast) this.hasSent = true;
    stream.respond(random.pick([200, 200, 204, 302, 404, 999]), someFields(random, 8), isLast);
    if (!isLast) this.pump();
  }

  /** As much as there is room for. */
  pump(): void {
    const { stream } = this;
    while (!this.hasSent && !stream.isClosed && this.left > 0) {
      const { room } = stream;
      must(room >= 0 && room <= 0x7fffffff, 'room is a size');
      if (room === 0) return;
      const length = Math.min(room, this.left, BODY.length);
      this.left -= length;
      if (this.left === 0 && !this.hasTrailers) this.hasSent = true;
      stream.send(BODY, 0, length, this.hasSent);
    }
    if (this.hasSent || stream.isClosed) return;
    this.hasSent = true;
    stream.end(this.hasTrailers ? ['x-sum', '1'] : undefined);
  }

  between(): void {
    if (this.isGone) return;
    if (this.#wild === 1 || this.#wild === 11) this.stream.resume();
    if (this.#wild === 17) this.drop();
    if (this.#user.role === 'server' && this.stage !== 'waiting') this.#answer();
    else if (this.#user.role === 'client') this.pump();
  }

  checkSettled(): void {
    must(this.isGone && this.stream.isClosed, 'every stream is closed, and has left');
    must(this.stage !== 'waiting' && this.stage !== 'body', 'every stream is told how it ended');
    if (this.stage === 'ended' && !this.hasSent)
      must(this.#hasStopped || this.#wild < 99, 'a sender is told when it has to stop');
    // Verbs of a stream that is closed do nothing.
    const before = this.#user.codec.outputBytes;
    this.stream.send(BODY, 0, 1, true);
    this.stream.end();
    this.stream.reset(0);
    this.stream.pause();
    this.stream.resume();
    must(this.stream.room === 0, 'a closed stream has no room');
    must(this.#user.codec.outputBytes === before, 'a closed stream sends nothing');
  }
}

function shown(section: FieldSection): string {
  const fields = [...fieldsOf(section)];
  for (const [name] of fields) must(/^[!#-'*+.^_`|~0-9a-z-]+$/.test(name), 'names are tokens in lower case'); // prettier-ignore
  for (const [, value] of fields) must(!/[\0-\x08\x0a-\x1f\x7f]/.test(value), 'values have no control characters'); // prettier-ignore
  must(fields.length <= LIMITS.maxHeaderCount, 'no more fields than allowed');
  const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  // Cookies that came in pieces are joined: two more for each, and 32 less.
  must(bytes <= LIMITS.maxHeaderListBytes, 'no larger list than allowed');
  return JSON.stringify(fields);
}

function reasonOf(error: Error): string {
  return error instanceof WireError ? error.reason : error.message;
}

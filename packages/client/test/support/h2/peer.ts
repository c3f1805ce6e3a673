/**
 * One HTTP/2 connection from the origin's side, frame by frame. By itself it reads what comes and does what any origin
 * must (acknowledge SETTINGS, answer PING, give credit), each of which a script can leave out; everything else is sent
 * by the script, right or wrong.
 */
import { ClientGoneError, type ScriptedPeer } from '@hotaru/client/testing';
import { Watch } from '../watch.js';
import { ClientRules } from './client-rules.js';
import * as frames from './frames.js';
import { FLAG, FRAME, PREFACE, SETTING, type Frame } from './frames.js';
import { PlainHpackDecoder, type Field } from './hpack.js';
import { H2Request } from './request.js';

/** What a connection does by itself. A script may change it at any time. */
export interface Manners {
  acknowledgesSettings: boolean;
  answersPings: boolean;
  /** Gives back at once what the client has sent, on the stream (see also `H2Request.givesCredit`) and on the connection. */
  givesCredit: boolean;
  /** Keeps the bytes of request bodies; else they are only counted. */
  keepsBodies: boolean;
  /** What the client does wrong comes out of `origin.close()`. */
  isStrict: boolean;
}

/** A GOAWAY of the client. */
export interface Goaway {
  readonly lastStreamId: number;
  readonly code: number;
  readonly debug: string;
}

export interface PeerListener {
  onRequest(request: H2Request): void;
  /** A frame was dealt with, or the connection is gone. */
  onChange(): void;
}

type Status = number | string;
type Bytes = string | Uint8Array;

export class H2Peer {
  readonly manners: Manners = {
    acknowledgesSettings: true,
    answersPings: true,
    givesCredit: true,
    keepsBodies: true,
    isStrict: true,
  };
  /** What has come in, but for the payloads of DATA. */
  readonly received: Frame[] = [];
  readonly requests: H2Request[] = [];
  readonly rules = new ClientRules();
  /** The client's GOAWAY, once it came. */
  goaway: Goaway | undefined;
  /** The socket below: to write raw bytes, to end, reset, pause, and to see how it closed. */
  readonly socket: ScriptedPeer;
  readonly #listener: PeerListener;
  readonly #hpack = new PlainHpackDecoder();
  readonly #cutter = new frames.FrameCutter();
  #block: { streamId: number; flags: number; pieces: Buffer[] } | undefined;
  readonly #watch = new Watch();
  readonly #streams = new Map<number, H2Request>();
  #taken = 0;
  #gone: ClientGoneError | undefined;

  constructor(socket: ScriptedPeer, listener: PeerListener) {
    this.socket = socket;
    this.#listener = listener;
  }

  get index(): number {
    return this.socket.index;
  }

  /** The client has closed the connection, or the script has cut it. */
  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────

  /** The next request, with what has come of its body by then. Rejects with `ClientGoneError`. */
  async readHead(): Promise<H2Request> {
    await this.until(() => this.requests.length > this.#taken, 'a request comes', Infinity);
    this.#taken += 1;
    return this.requests[this.#taken - 1]!;
  }

  /** Waits for the end of its body. */
  async readBody(request: H2Request): Promise<H2Request> {
    await this.until(
      () => request.complete || request.resetCode !== undefined,
      `the request on stream ${request.streamId} ends`,
    );
    if (!request.complete) throw new ClientGoneError('reading a body', 'reset', request.body);
    return request;
  }

  async readRequest(): Promise<H2Request> {
    return this.readBody(await this.readHead());
  }

  /** Request after request, with or without their bodies, until the client closes the connection. */
  async *incoming(): AsyncGenerator<H2Request, void, undefined> {
    try {
      for (;;) yield await this.readHead();
    } catch (error) {
      if (!(error instanceof ClientGoneError)) throw error;
    }
  }

  /** Waits for it; rejects with `ClientGoneError` when the connection ends before. */
  async until(condition: () => boolean, what: string, guardMs?: number): Promise<void> {
    await this.#watch.until(() => condition() || this.isGone, what, guardMs);
    if (!condition()) throw this.#gone!;
  }

  /** The frames of a type that came, of one stream or of all. */
  framesOf(type: number, streamId?: number): Frame[] {
    return this.received.filter(
      (one) => one.type === type && (streamId === undefined || one.streamId === streamId),
    );
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────

  /** A PING, and its answer: the client has read all that was sent before. Nothing, if it has left meanwhile. */
  async roundTrip(): Promise<void> {
    const acks = () => this.framesOf(FRAME.ping).filter(({ flags }) => flags & FLAG.ack).length;
    const before = acks();
    await this.send(frames.ping('are you?'));
    await this.#watch.until(() => acks() > before || this.isGone, 'the client answers a PING');
  }

  /** Frames, or bytes that are none; in one write. */
  send(...pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(pieces);
    this.#note(bytes);
    return this.socket.write(bytes);
  }

  /** The same in pieces, each read by the client before the next is sent. */
  drip(bytes: Uint8Array, pieceSize = 1): Promise<void> {
    this.#note(bytes);
    return this.socket.drip(bytes, pieceSize);
  }

  /** A head of the answer to this request. */
  head(request: H2Request, status: Status, fields: readonly Field[] = [], end = false) {
    const all: Field[] = [[':status', String(status)], ...fields];
    return this.send(frames.headers(request.streamId, all, { end }));
  }

  /** A piece of the body, within the windows of the client: waits for credit. */
  async body(request: H2Request, content: Bytes, end = false): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let at = 0; ;) {
      // First, and not only behind a wait: a body without end would else never wait again.
      if (request.resetCode !== undefined) throw new ClientGoneError('sending a body', 'reset');
      at = this.sendBody(request, bytes, at, end);
      if (at >= bytes.length) return;
      await this.until(() => this.#room(request) > 0, `credit on stream ${request.streamId} comes`);
    }
  }

  /** As much of `bytes`, from `at` on, as the windows allow now. Returns where the rest begins. */
  sendBody(request: H2Request, bytes: Uint8Array, at: number, end: boolean): number {
    const { streamId } = request;
    const maxBytes = this.rules.theirSettings.get(SETTING.maxFrameSize) ?? 0;
    let next = at;
    do {
      const room = Math.min(maxBytes, Math.max(0, this.#room(request)));
      const piece = bytes.subarray(next, next + room);
      if (piece.length === 0 && bytes.length > 0) break;
      next += piece.length;
      void this.send(frames.data(streamId, piece, { end: end && next === bytes.length }));
    } while (next < bytes.length);
    return next;
  }

  /** Credit for what has come of its body and was not given back. */
  giveCredit(request: H2Request): void {
    if (request.owedBytes > 0)
      this.#reply(frames.windowUpdate(request.streamId, request.owedBytes));
    request.owedBytes = 0;
  }

  /** A whole answer, in one write where it fits. */
  async respond(
    request: H2Request,
    status: Status = 200,
    fields: readonly Field[] = [],
    content: Bytes = '',
  ): Promise<void> {
    const bytes = Buffer.from(content as string);
    const isEmpty = bytes.length === 0 || request.method === 'HEAD';
    const length: Field = ['content-length', String(bytes.length)];
    const all: Field[] = [[':status', String(status)], length, ...fields];
    const head = frames.headers(request.streamId, all, { end: isEmpty });
    if (isEmpty) return this.send(head);
    if (bytes.length > Math.min(this.#room(request), frames.DEFAULT_FRAME_BYTES)) {
      await this.send(head);
      return this.body(request, bytes, true);
    }
    return this.send(head, frames.data(request.streamId, bytes, { end: true }));
  }

  /** What may be sent for it now; without end once it was reset. */
  #room({ streamId, resetCode }: H2Request): number {
    if (resetCode !== undefined) return Infinity;
    return Math.min(this.rules.ourWindow, this.rules.streams.get(streamId)?.ourWindow ?? 0);
  }

  #note(bytes: Uint8Array): void {
    for (const frame of this.#cutter.push(bytes)) this.rules.sent(frame);
  }

  // ── what it does by itself ────────────────────────────────────────────────────────────────────

  /** Reads until the connection ends. Called once, by the origin. */
  async run(): Promise<void> {
    try {
      const preface = await this.socket.readBytes(PREFACE.length);
      if (preface.toString('latin1') !== PREFACE)
        throw new Error(`no preface: ${preface.toString('latin1')}`);
      for (;;) {
        const { length, ...rest } = frames.frameHeadOf(
          await this.socket.readBytes(frames.FRAME_HEAD_BYTES),
        );
        const payload = length === 0 ? Buffer.alloc(0) : await this.socket.readBytes(length);
        this.#take({ ...rest, payload });
        this.#changed();
      }
    } catch (error) {
      this.#gone =
        error instanceof ClientGoneError ? error : new ClientGoneError('reading', 'local');
      this.#changed();
      if (!(error instanceof ClientGoneError)) throw error;
    }
  }

  #changed(): void {
    this.#watch.changed();
    this.#listener.onChange();
  }

  #take(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    this.rules.received(frame);
    this.received.push(type === FRAME.data ? { ...frame, payload: Buffer.alloc(0) } : frame);
    switch (type) {
      case FRAME.headers:
        this.#block = { streamId, flags, pieces: [frames.contentOf(frame)] };
        if (flags & FLAG.endHeaders) this.#endBlock();
        return;
      case FRAME.continuation:
        this.#block?.pieces.push(payload);
        if (flags & FLAG.endHeaders) this.#endBlock();
        return;
      case FRAME.data:
        this.#data(frame);
        return;
      case FRAME.rstStream: {
        const request = this.#requestOf(streamId);
        if (request !== undefined) request.resetCode = payload.readUInt32BE();
        return;
      }
      case FRAME.settings:
        if (flags & FLAG.ack) this.#hpack.allowedSize = this.rules.allowedTableBytes;
        else if (this.manners.acknowledgesSettings) this.#reply(frames.settingsAck());
        return;
      case FRAME.ping:
        if (!(flags & FLAG.ack) && this.manners.answersPings)
          this.#reply(frames.ping(payload, true));
        return;
      case FRAME.goaway:
        this.goaway = {
          lastStreamId: payload.readUInt32BE(0),
          code: payload.readUInt32BE(4),
          debug: payload.toString('latin1', 8),
        };
        return;
      default:
    }
  }

  #endBlock(): void {
    const { streamId, flags, pieces } = this.#block!;
    this.#block = undefined;
    const fields = this.#hpack.decode(Buffer.concat(pieces));
    const known = this.#requestOf(streamId);
    if (known !== undefined) known.trailers = fields;
    else this.rules.head(fields);
    const request = known ?? new H2Request(this.index, streamId, fields);
    if (flags & FLAG.endStream) request.complete = true;
    if (known !== undefined) return;
    this.requests.push(request);
    this.#streams.set(streamId, request);
    this.#listener.onRequest(request);
  }

  #data(frame: Frame): void {
    const { streamId, flags, payload } = frame;
    const isLast = (flags & FLAG.endStream) !== 0;
    const request = this.#requestOf(streamId);
    request?.push(frames.contentOf(frame), this.manners.keepsBodies);
    if (request !== undefined && isLast) request.complete = true;
    if (payload.length === 0 || !this.manners.givesCredit) return;
    this.#reply(frames.windowUpdate(0, payload.length));
    if (isLast || request === undefined) return;
    request.owedBytes += payload.length;
    if (request.givesCredit) this.giveCredit(request);
  }

  #requestOf(streamId: number): H2Request | undefined {
    return this.#streams.get(streamId);
  }

  #reply(bytes: Buffer): void {
    if (!this.socket.isEnded) void this.send(bytes);
  }
}

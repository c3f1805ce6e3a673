/**
 * One connection seen from the origin's side: the verbs of a script (read this, write that, break it
 * so) and what the client did. Bytes written as strings are latin-1: one byte for each character.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { TESTING } from './constants.js';
import { cannedResponse, latin1, type CannedResponse } from './canned-response.js';
import { ClientGoneError, Inbox, type CloseKind } from './inbox.js';
import { readRequestHead, type ReceivedRequest } from './received-request.js';
import { turn, within } from './waiting.js';

/** How a connection ended, and what had come in on it by then. */
export interface CloseReport {
  /** `fin`: the client ended it. `reset`: the client reset it. `local`: the script did, or `close()`. */
  readonly how: CloseKind;
  readonly bytesReceived: number;
}

/** What became of an endless write. */
export interface EndlessReport {
  readonly bytesWritten: number;
  /** True: the client closed the connection. False: the bound was reached, and it still listens. */
  readonly closed: boolean;
}

export class ScriptedPeer {
  /** Which connection of the upstream this is, counted from 0. */
  readonly index: number;
  /** The requests read on this connection. */
  readonly requests: ReceivedRequest[] = [];
  /** Resolves as soon as the client has closed the connection, or the script has cut it. */
  readonly closed: Promise<CloseReport>;
  private readonly socket: Socket;
  private readonly transport: Socket;
  private readonly inbox = new Inbox();
  private readonly onRequest: (request: ReceivedRequest) => void;
  private received = 0;
  private reads = false;
  private dropping = false;
  private pausedByScript = false;
  private gone: CloseKind | undefined;
  private ended = false;
  private scriptDone = false;
  /** In the turn in which the TLS handshake was done. */
  private handshaking: boolean;
  private reportClosed!: (report: CloseReport) => void;

  /** Made by `ScriptedUpstream`. `transport` is the TCP socket, `socket` what speaks on it. */
  constructor(
    index: number,
    socket: Socket,
    transport: Socket,
    onRequest: (request: ReceivedRequest) => void,
  ) {
    this.index = index;
    this.socket = socket;
    this.transport = transport;
    this.onRequest = onRequest;
    this.closed = new Promise((resolve) => {
      this.reportClosed = resolve;
    });
    this.handshaking = socket !== transport;
    if (this.handshaking) setImmediate(() => (this.handshaking = false));
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('end', () => this.leave('fin'));
    socket.on('error', () => this.leave('reset'));
    socket.on('close', () => this.leave('local'));
  }

  /** Bytes the client has sent on this connection (of plain text, under TLS). */
  get bytesReceived(): number {
    return this.received;
  }

  /** The script has ended or cut its side: nothing can be written any more. */
  get isEnded(): boolean {
    return this.ended;
  }

  /** The TLS socket, for its protocol, ALPN, session and client certificate; undefined without TLS. */
  get tls(): TLSSocket | undefined {
    return this.socket instanceof TLSSocket ? this.socket : undefined;
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────

  /** The head of the next request, as soon as it is there; its body stays unread. */
  async readHead(): Promise<ReceivedRequest> {
    const request = await this.reading(readRequestHead(this.inbox, this.index));
    this.requests.push(request);
    this.onRequest(request);
    return request;
  }

  /** The (rest of the) body of the request last read. */
  async readBody(): Promise<ReceivedRequest> {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error('readBody() before readHead()');
    await this.reading(request.readBodyFrom(this.inbox));
    return request;
  }

  /** The next request, whole. Rejects with `ClientGoneError` when the client closes before that. */
  async readRequest(): Promise<ReceivedRequest> {
    await this.readHead();
    return this.readBody();
  }

  /** Request after request until the client closes the connection. */
  async *incoming(): AsyncGenerator<ReceivedRequest, void, undefined> {
    try {
      for (;;) yield await this.readRequest();
    } catch (error) {
      if (!(error instanceof ClientGoneError)) throw error;
    }
  }

  /** Exactly `count` bytes, whatever they are. */
  readBytes(count: number): Promise<Buffer> {
    return this.reading(this.inbox.take(count, `reading ${count} bytes`));
  }

  /** Everything up to and including `marker` (latin-1). */
  readUntil(marker: string): Promise<Buffer> {
    const doing = `reading until ${JSON.stringify(marker)}`;
    return this.reading(this.inbox.takeUntil(marker, doing, TESTING.readUntilLimitBytes));
  }

  /** Reads nothing more from the socket, so the client's writes run into backpressure. */
  pauseReading(): void {
    this.pausedByScript = true;
    this.socket.pause();
  }

  resumeReading(): void {
    this.pausedByScript = false;
    this.socket.resume();
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────

  /** Resolves when the kernel has taken the bytes. The bytes leave before this call returns. */
  write(bytes: string | Uint8Array): Promise<void> {
    if (this.ended) throw new Error('the script writes after its own end()');
    const written = new Promise<void>((resolve, reject) => {
      this.socket.write(latin1(bytes), (error) => {
        if (error) reject(new ClientGoneError('writing', this.gone ?? 'reset'));
        else resolve();
      });
    });
    written.catch(() => undefined); // a test may write without waiting for it
    return written;
  }

  /** Writes in pieces, and lets the client's event loop read each before the next is sent. */
  async drip(bytes: string | Uint8Array, pieceSize = 1): Promise<void> {
    const all = latin1(bytes);
    for (let at = 0; at < all.length; at += pieceSize) {
      await this.write(all.subarray(at, at + pieceSize));
      await turn();
    }
  }

  /** A well-formed response to the request last read (a HEAD gets no body). */
  respond(
    status = 200,
    headers: NonNullable<CannedResponse['headers']> = {},
    body: NonNullable<CannedResponse['body']> = '',
  ): Promise<void> {
    return this.reply({ status, headers, body });
  }

  /** The same, with every part open. */
  reply(response: CannedResponse = {}): Promise<void> {
    const method = this.requests.at(-1)?.method;
    return this.write(cannedResponse(method === undefined ? response : { method, ...response }));
  }

  /** Bytes that no request has asked for, once the client has settled what came before; read by it on return. */
  async sendUnsolicited(bytes: string | Uint8Array): Promise<void> {
    await turn();
    await this.write(bytes);
    await turn();
  }

  /** What servers and load balancers send before they close an idle connection. */
  async send408OnIdle(): Promise<void> {
    await turn();
    await this.write(cannedResponse({ status: 408, headers: { connection: 'close' } }));
    this.end();
  }

  /**
   * Writes `unit` again and again, under backpressure, until the client closes the connection or
   * `maxBytes` (64 MiB) are written: a client with a bound has closed long before.
   */
  async endless(
    unit: string | Uint8Array,
    maxBytes = TESTING.endlessLimitBytes,
  ): Promise<EndlessReport> {
    const once = Buffer.from(latin1(unit));
    const block = Buffer.concat(
      Array<Buffer>(Math.max(1, Math.ceil(TESTING.endlessBlockBytes / once.length))).fill(once),
    );
    let bytesWritten = 0;
    while (bytesWritten < maxBytes) {
      if (this.gone !== undefined) return { bytesWritten, closed: true };
      try {
        await this.write(block);
      } catch {
        return { bytesWritten, closed: true };
      }
      bytesWritten += block.length;
      await turn();
    }
    return { bytesWritten, closed: false };
  }

  // ── ending ────────────────────────────────────────────────────────────────────────────────────

  /** FIN (under TLS: close_notify, then FIN), after all that was written. The read side stays open. */
  end(): void {
    this.ended = true;
    this.socket.end();
  }

  /** The first `count` bytes, then FIN: a response cut short. */
  async endAfter(bytes: string | Uint8Array, count: number): Promise<void> {
    await this.write(latin1(bytes).subarray(0, count));
    this.end();
  }

  /** The first `count` bytes, read by the client, then RST. */
  async resetAfter(bytes: string | Uint8Array, count: number): Promise<void> {
    await this.write(latin1(bytes).subarray(0, count));
    await turn(); // a reset may overtake bytes that were not read yet
    this.reset();
  }

  /** RST, at once; straight after a TLS handshake one turn of the event loop later. */
  reset(): void {
    this.ended = true;
    this.leave('local');
    // The last bytes of the handshake are on their way: Node 20 crashes when the transport goes under them.
    if (this.handshaking) setImmediate(() => this.cut());
    else this.cut();
  }

  private cut(): void {
    this.transport.resetAndDestroy();
    this.socket.destroy();
  }

  /** Under TLS, FIN without close_notify: how an attacker cuts a stream. The same as end() without. */
  async endWithoutCloseNotify(): Promise<void> {
    this.ended = true;
    await turn(); // what was written has left TLS by then
    this.transport.end();
  }

  // ── waiting ───────────────────────────────────────────────────────────────────────────────────

  /** Says nothing until the connection is closed. */
  async stall(): Promise<void> {
    await this.closed;
  }

  /** Reads and drops what comes until the client closes; an error when it has not by `guardMs`. */
  waitForClose(guardMs: number = TESTING.guardMs): Promise<CloseReport> {
    this.dropping = true;
    this.inbox.clear();
    if (!this.pausedByScript) this.socket.resume();
    return within(this.closed, guardMs, `the client did not close connection ${this.index}`);
  }

  /** Called when the script has ended: a client that has gone, or goes later, is let go. */
  finish(): void {
    this.scriptDone = true;
    if (this.gone !== undefined) this.socket.end();
  }

  private take(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.dropping) return;
    this.inbox.push(chunk);
    if (this.inbox.size > TESTING.inboxLimitBytes && !this.reads) this.socket.pause();
  }

  private async reading<T>(read: Promise<T>): Promise<T> {
    this.reads = true;
    if (!this.pausedByScript) this.socket.resume();
    try {
      return await read;
    } finally {
      this.reads = false;
    }
  }

  private leave(how: CloseKind): void {
    if (this.gone !== undefined) return;
    this.gone = how;
    this.inbox.end(how);
    this.reportClosed({ how, bytesReceived: this.received });
    if (this.scriptDone) this.socket.end();
  }
}

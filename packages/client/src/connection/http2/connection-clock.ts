/**
 * The one clock of a connection, which finds peers that are gone (docs/rules.md, rule 12). It stands on the timer of
 * the pool, and runs only while something is under way, or a question is open: else an idle connection has none.
 *
 *   off ──watch()──▶ listening ──silent for long, gaveUp()──▶ asking ──no word for long──▶ doubting ──▶ lost
 *    ▲                 │    ▲                                 │    └─no word soon: unheard()  │
 *    └────rest()───────┤    └────────── heard() ──────────────┴───────────────────────────────┘
 *                      ├──writeFailed()──▶ grace ──▶ lost                          stop() leads to off from anywhere
 *                      └──brokenOff()──▶ parting ──silent for a moment──▶ lost
 *
 *   gaveUp     a caller has left, and nothing came since its request was written: the peer is asked at once. Else each
 *              call with less patience than a silence takes would be given to a dead peer, and the next one, too
 *   asking     a PING is out; what is begun now waits for a word of the peer, because nothing may have been written
 *              when none comes. Any byte is a sign of life. The question stands though all who waited have left: callers
 *              with less patience than it takes would else ask a dead peer for ever, one after the other.
 *              A peer that is alive answers soon: if it does not, its owner is told (`unheard`), once, and has
 *              new callers go elsewhere; those it has may still be answered
 *   silent     not a byte came, and what waited to leave a full socket did not leave it. A peer that takes a long upload
 *              slowly is not dead: it has nothing to say, and a PING would reach it behind all the rest
 *   doubting   the time is over: but the word may lie in the socket of a process that was busy. It is polled once
 *   grace      nothing can be written; what has arrived is still read for a moment
 *   parting    GOAWAY came for an error: to most peers the connection is over, though some leave the socket open. What
 *              still comes moves the end
 */
import { CONSTANTS } from '../../config/constants.js';
import { Deadline, type Deadlines } from '../../pool/deadlines.js';
import type { Transport } from '../transport.js';
import { afterPoll, type PolledTask } from '../turn.js';

export type LossReason = 'silent' | 'unwritable' | 'broken off';

export interface ConnectionClockOwner {
  /** Ask the peer for a sign of life. */
  ask(): void;
  /** There was one: what waited for it may begin. */
  answered(): void;
  /** None came soon: nobody else should depend on this peer. */
  unheard(): void;
  lost(why: LossReason): void;
}

export class ConnectionClock extends Deadline implements PolledTask {
  readonly #owner: ConnectionClockOwner;
  readonly #deadlines: Deadlines;
  readonly #transport: Transport;
  #state: 'off' | 'listening' | 'asking' | 'doubting' | 'grace' | 'parting' = 'off';
  /** Is something under way? */
  #isWatching = false;
  /** When the socket last took what it had held up. */
  #tookAtMs = 0;
  #askedAtMs = 0;
  /** Of the peer that is being asked, its owner has been told that no word came soon. */
  #isUnheard = false;
  /** An answer came since a caller's leaving last had the peer asked. */
  #mayAskEarly = true;

  constructor(owner: ConnectionClockOwner, deadlines: Deadlines, transport: Transport) {
    super();
    this.#owner = owner;
    this.#deadlines = deadlines;
    this.#transport = transport;
  }

  /** Has nothing been heard since the peer was asked? */
  get isAsking(): boolean {
    return this.#state === 'asking' || this.#state === 'doubting';
  }

  /** Something is under way, the first since it rested. `wasJustHeard` spares a look at the time. */
  watch(wasJustHeard: boolean): void {
    this.#isWatching = true;
    if (this.#state !== 'off') return;
    const { heardAtMs, clock } = this.#transport;
    this.#listenOrAsk(wasJustHeard ? heardAtMs : clock.now());
  }

  /** Nothing is under way. */
  rest(): void {
    this.#isWatching = false;
    if (!this.isAsking) this.stop();
  }

  /** The connection has ended. */
  stop(): void {
    if (this.#state === 'off') return;
    this.#state = 'off';
    this.#deadlines.disarm(this);
  }

  heard(): void {
    if (this.isAsking) this.#settle();
  }

  /** The peer has answered a request. */
  answerCame(): void {
    this.#mayAskEarly = true;
  }

  /**
   * A caller has left without an answer to what was written at `writtenAtMs`. Asked once until the next answer: there
   * are peers that take PINGs with nothing between them for abuse, and close the connection.
   */
  gaveUp(writtenAtMs: number): void {
    if (this.#state !== 'listening' || !this.#mayAskEarly) return;
    const nowMs = this.#transport.clock.now();
    if (this.#lastSignMs > writtenAtMs || nowMs - writtenAtMs < CONSTANTS.askEarlyAfterMs) return;
    this.#mayAskEarly = false;
    this.#ask(nowMs);
  }

  /** The socket was held up by its peer, and has taken it all. */
  took(): void {
    this.#tookAtMs = this.#transport.clock.now();
    if (this.isAsking) this.#settle();
  }

  #settle(): void {
    if (this.#isWatching) this.#listen();
    else this.stop();
    this.#owner.answered();
  }

  writeFailed(): void {
    this.#state = 'grace';
    const nowMs = this.#transport.clock.now();
    this.#deadlines.arm(this, nowMs + CONSTANTS.writeErrorGraceMs);
  }

  /** The peer said GOAWAY for an error. */
  brokenOff(): void {
    if (this.#state === 'listening') this.#part();
  }

  onExpired(): void {
    switch (this.#state) {
      case 'listening':
        this.#listenOrAsk(this.#transport.clock.now());
        return;
      case 'asking':
        this.#noWordCame();
        return;
      case 'grace':
        this.#owner.lost('unwritable');
        return;
      case 'parting':
        afterPoll(this);
        return;
      case 'doubting':
      case 'off':
    }
  }

  onPolled(): void {
    switch (this.#state) {
      case 'doubting':
        this.#lose('silent');
        return;
      case 'parting':
        if (this.#transport.clock.now() < this.#partedAtMs) this.#part();
        else this.#lose('broken off');
        return;
      case 'asking':
        if (this.#isUnheard || !this.#isSilentFor(CONSTANTS.wordWithinMs)) return;
        this.#isUnheard = true;
        this.#owner.unheard();
        return;
      case 'off':
      case 'listening':
      case 'grace':
    }
  }

  #lose(why: LossReason): void {
    this.stop();
    this.#owner.lost(why);
  }

  #isSilentFor(ms: number): boolean {
    return this.#transport.clock.now() >= this.#askedAtMs + ms;
  }

  #noWordCame(): void {
    if (this.#isSilentFor(CONSTANTS.pongWithinMs)) this.#state = 'doubting';
    else this.#deadlines.arm(this, this.#askedAtMs + CONSTANTS.pongWithinMs);
    afterPoll(this);
  }

  #part(): void {
    this.#state = 'parting';
    this.#deadlines.arm(this, this.#partedAtMs);
  }

  get #partedAtMs(): number {
    return this.#transport.heardAtMs + CONSTANTS.partingMs;
  }

  get #lastSignMs(): number {
    return Math.max(this.#transport.heardAtMs, this.#tookAtMs);
  }

  #listenOrAsk(nowMs: number): void {
    if (nowMs - this.#lastSignMs >= CONSTANTS.pingAfterMs) this.#ask(nowMs);
    else this.#listen();
  }

  #listen(): void {
    this.#state = 'listening';
    this.#deadlines.arm(this, this.#lastSignMs + CONSTANTS.pingAfterMs);
  }

  #ask(nowMs: number): void {
    this.#state = 'asking';
    this.#askedAtMs = nowMs;
    this.#isUnheard = false;
    this.#deadlines.arm(this, nowMs + CONSTANTS.wordWithinMs);
    this.#owner.ask();
  }
}

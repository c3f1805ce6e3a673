/**
 * The states of a stream (RFC 9113 §5.1). Every transition goes through `TRANSITIONS`, and no code beside it knows where
 * an event leads. Nothing is reserved: we push nothing, and refuse what is pushed.
 *
 *                      ┌────────┐ sends or receives a head
 *                      │  idle  ├──────────────┐
 *                      └───┬────┘              ▼
 *            head with     │              ┌────────┐
 *            END_STREAM    │  END_STREAM  │  open  │  END_STREAM
 *                          │ ┌─ sent ─────┴───┬────┴─ received ─┐
 *                          ▼ ▼                │                 ▼
 *              ┌───────────────────┐          │      ┌────────────────────┐
 *              │ half-closed local │        reset    │ half-closed remote │
 *              └─────────┬─────────┘          │      └─────────┬──────────┘
 *                        │ END_STREAM received│       END_STREAM sent │
 *                        └──── or reset ───▶ closed ◀─── or reset ────┘
 */

export const StreamState = Object.freeze({
  Idle: 0x0,
  Open: 0x1,
  /** We have sent all we will. */
  HalfClosedLocal: 0x2,
  /** The peer has. */
  HalfClosedRemote: 0x3,
  Closed: 0x4,
} as const);
export type StreamState = (typeof StreamState)[keyof typeof StreamState];

/** What happens to a stream. A frame that ends a side is two events: what it carries, then the end. */
export const StreamEvent = Object.freeze({
  SendHead: 0x0,
  SendData: 0x1,
  SendEnd: 0x2,
  SendReset: 0x3,
  ReceiveHead: 0x4,
  ReceiveData: 0x5,
  ReceiveEnd: 0x6,
  ReceiveReset: 0x7,
} as const);
export type StreamEvent = (typeof StreamEvent)[keyof typeof StreamEvent];

const { Open, HalfClosedLocal, HalfClosedRemote, Closed } = StreamState;

/** In place of a state: the event may not happen in this one. */
export const ILLEGAL = -1;

/** A row for each state, a column for each event, in the order of their numbers. */
export const TRANSITIONS: readonly (readonly (StreamState | typeof ILLEGAL)[])[] = Object.freeze([
  //  send: head, data, end, reset                             receive: head, data, end, reset
  [Open, ILLEGAL, ILLEGAL, ILLEGAL, /*                      */ Open, ILLEGAL, ILLEGAL, ILLEGAL],
  [
    Open,
    Open,
    HalfClosedLocal,
    Closed,
    /*                  */ Open,
    Open,
    HalfClosedRemote,
    Closed,
  ],
  [
    ILLEGAL,
    ILLEGAL,
    ILLEGAL,
    Closed,
    /*                    */ HalfClosedLocal,
    HalfClosedLocal,
    Closed,
    Closed,
  ],
  [HalfClosedRemote, HalfClosedRemote, Closed, Closed, /*   */ ILLEGAL, ILLEGAL, ILLEGAL, Closed],
  [ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL, /*                   */ ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL],
]);

export function nextState(state: StreamState, event: StreamEvent): StreamState | typeof ILLEGAL {
  return TRANSITIONS[state]?.[event] ?? ILLEGAL;
}

/** May we still send a part of our message? */
export function maySend(state: StreamState): boolean {
  return state === Open || state === HalfClosedRemote;
}

/** May the peer still send a part of its message? */
export function mayReceive(state: StreamState): boolean {
  return state === Open || state === HalfClosedLocal;
}

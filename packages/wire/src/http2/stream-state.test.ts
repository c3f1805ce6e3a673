import { describe, expect, it } from 'vitest';
import {
  ILLEGAL,
  mayReceive,
  maySend,
  nextState,
  StreamEvent,
  StreamState,
  TRANSITIONS,
} from './stream-state.js';

const STATES = Object.keys(StreamState) as (keyof typeof StreamState)[];
const EVENTS = Object.keys(StreamEvent) as (keyof typeof StreamEvent)[];

/** RFC 9113 §5.1 in words: what a stream is, as two sides. */
const SIDES: Record<keyof typeof StreamState, 'idle' | 'reset' | [sends: boolean, hears: boolean]> =
  {
    Idle: 'idle',
    Open: [true, true],
    HalfClosedLocal: [false, true],
    HalfClosedRemote: [true, false],
    Closed: 'reset',
  };

function expected(state: keyof typeof StreamState, event: keyof typeof StreamEvent): string {
  const sides = SIDES[state];
  if (sides === 'reset') return 'illegal';
  if (sides === 'idle') return event.endsWith('Head') ? 'Open' : 'illegal';
  if (event.endsWith('Reset')) return 'Closed';
  const [sends, hears] = sides;
  const isOurs = event.startsWith('Send');
  if (!(isOurs ? sends : hears)) return 'illegal';
  if (!event.endsWith('End')) return state;
  if (isOurs) return hears ? 'HalfClosedLocal' : 'Closed';
  return sends ? 'HalfClosedRemote' : 'Closed';
}

describe('the table of stream states', () => {
  it('has a row for each state and a column for each event', () => {
    expect(TRANSITIONS.map((row) => row.length)).toEqual(STATES.map(() => EVENTS.length));
  });

  it.each(STATES.flatMap((state) => EVENTS.map((event) => [state, event] as const)))(
    '%s: %s leads to where RFC 9113 §5.1 says',
    (state, event) => {
      const next = nextState(StreamState[state], StreamEvent[event]);
      expect(next === ILLEGAL ? 'illegal' : STATES[next]).toBe(expected(state, event));
    },
  );

  it.each(STATES)('%s says which side may go on', (state) => {
    const sides = SIDES[state];
    const [sends, hears] = typeof sides === 'string' ? [false, false] : sides;
    expect([maySend(StreamState[state]), mayReceive(StreamState[state])]).toEqual([sends, hears]);
  });
});

/**
 * Both roles of the codec by the rules of RFC 9113 alone: bytes of a peer go in, in one piece and cut at each byte, and
 * what comes out is GOAWAY, RST_STREAM or a whole message, as the RFC says. docs/http2-conformance.md has the same lists.
 */
import { describe, expect, it } from 'vitest';
import { FRAME, PREFACE, settings, settingsAck } from '../../client/test/support/h2/frames.js';
import { ClientConversation } from './support/client-conversation.js';
import { CLIENT_RULES, SERVER_RULES } from './support/http2-rules/index.js';
import { shownOutcome, type Http2Rule } from './support/http2-rules/rule.js';
import { ServerConversation } from './support/server-conversation.js';

/** All at once, and one by one. */
const PIECE_BYTES = [Infinity, 1];

/** Either role, after what a rule sends. */
interface Conversation {
  readonly error: Error | undefined;
  readonly goaways: readonly string[];
  readonly codec: { readonly activeCount: number; readonly isLeaving: boolean };
  send(...frames: readonly Buffer[]): void;
  of(type: number): readonly unknown[];
  resetsOf(streamId: number): readonly string[];
  lives(): boolean;
}

function feed(peer: Conversation, rule: Http2Rule, pieceBytes: number): void {
  const bytes = Buffer.concat(rule.send);
  for (let at = 0; at < bytes.length; at += pieceBytes)
    peer.send(bytes.subarray(at, at + pieceBytes));
}

function check(peer: Conversation, { then }: Http2Rule, isWhole: (id: number) => boolean): void {
  if (then !== 'ignored' && 'connection' in then) {
    expect(peer.goaways).toEqual([then.connection]);
    expect(peer.error).toBeDefined();
    expect(peer.codec.activeCount).toBe(0);
    return;
  }
  expect(peer.error).toBeUndefined();
  expect(peer.goaways).toEqual([]);
  if (then !== 'ignored' && 'stream' in then) {
    const { stream, id = 1 } = then;
    expect(peer.resetsOf(id)).toEqual([stream]);
    expect(peer.of(FRAME.rstStream)).toHaveLength(1);
    // What comes behind a whole message does not undo it.
    if (stream !== 'streamClosed') expect(isWhole(id)).toBe(false);
  } else {
    if (then !== 'ignored')
      for (const id of then.whole) expect(isWhole(id), `stream ${id}`).toBe(true);
    expect(peer.of(FRAME.rstStream)).toEqual([]);
  }
  expect(peer.codec.isLeaving || peer.lives()).toBe(true);
}

const titled = (rules: readonly Http2Rule[]) =>
  rules.map(
    (rule) => [`§${rule.section}: ${rule.what} → ${shownOutcome(rule.then)}`, rule] as const,
  );

describe.each(Object.entries(SERVER_RULES))('RFC 9113, a server: %s', (_title, rules) => {
  it.each(titled(rules))('%s', (_what, rule) => {
    for (const pieceBytes of PIECE_BYTES) {
      const peer = rule.isFirst
        ? new ServerConversation(rule.limits)
        : ServerConversation.begun(rule.limits);
      feed(peer, rule, pieceBytes);
      check(peer, rule, (id) => peer.statusOf(id) === '200' && peer.bodyOf(id) !== undefined);
    }
  });
});

describe.each(Object.entries(CLIENT_RULES))('RFC 9113, a client: %s', (_title, rules) => {
  it.each(titled(rules))('%s', (_what, rule) => {
    for (const pieceBytes of PIECE_BYTES) {
      const peer = rule.isFirst
        ? new ClientConversation(rule.limits)
        : ClientConversation.begun(rule.limits);
      feed(peer, rule, pieceBytes);
      check(peer, rule, (id) => peer.asked.get(id)?.outcome === 'whole');
      if (peer.error !== undefined)
        expect([...peer.asked.values()].filter(({ outcome }) => outcome === 'open')).toEqual([]);
    }
  });
});

describe('RFC 9113, what each role begins with', () => {
  it('§3.4: a server with SETTINGS, no acknowledgement, before a byte has come', () => {
    const [first] = new ServerConversation().frames;
    expect(first).toMatchObject({ type: FRAME.settings, flags: 0, streamId: 0 });
  });

  it('§3.4: a client with its preface and SETTINGS behind it', () => {
    const client = new ClientConversation();
    expect(client.preface).toBe(PREFACE);
    expect(client.frames[0]).toMatchObject({ type: FRAME.settings, flags: 0, streamId: 0 });
  });

  it('§6.5.3: each acknowledges settings, once for each frame of them', () => {
    const server = new ServerConversation();
    server.send(Buffer.from(PREFACE), settings(), settingsAck(), settings(), settings());
    const client = new ClientConversation();
    client.send(settings(), settingsAck(), settings(), settings());
    for (const peer of [server, client])
      expect(peer.of(FRAME.settings).filter(({ flags }) => flags === 1)).toHaveLength(3);
  });
});

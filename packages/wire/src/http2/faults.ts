/**
 * Errors of one stream (RFC 9113 §5.4.2): it is reset, its user is told, and the connection goes on. And frames for a stream
 * that is not there any more, or was never there.
 */
import { WireError } from '../wire-error.js';
import { ClosedBy } from './closed-streams.js';
import { Http2ErrorCode } from './error-codes.js';
import type { FloodGuard } from './flood-guard.js';
import type { Outbound } from './outbound.js';
import type { Role } from './settings.js';
import type { Stream } from './stream.js';
import { StreamEvent } from './stream-state.js';
import type { Streams } from './streams.js';

export class Faults {
  readonly #role: Role;
  readonly #streams: Streams;
  readonly #outbound: Outbound;
  readonly #guard: FloodGuard;

  constructor(role: Role, streams: Streams, outbound: Outbound, guard: FloodGuard) {
    this.#role = role;
    this.#streams = streams;
    this.#outbound = outbound;
    this.#guard = guard;
  }

  /** Resets a stream by the peer's fault. */
  reset(stream: Stream, error: WireError): void {
    this.#answer(stream.id, error);
    this.#streams.fail(stream, StreamEvent.SendReset, error, false);
    // What a client can make a server do again and again (CVE-2025-8671).
    if (this.#role === 'server') this.#guard.reset();
  }

  /** The same of one that is closed. */
  resetClosed(streamId: number, error: WireError): void {
    this.#answer(streamId, error);
    this.#guard.idleFrame();
  }

  /** DATA or HEADERS for a stream that is not active: by what has become of it (§5.1). @throws WireError */
  late(id: number, name: 'DATA' | 'HEADERS', length: number): void {
    if (this.#streams.isIdle(id)) {
      const reason =
        this.#role === 'server' && name === 'HEADERS' ? 'stream-number' : 'idle-stream';
      throw new WireError(reason, `${name} on stream ${id}, which is idle`);
    }
    switch (this.#streams.closedBy(id)) {
      case ClosedBy.End:
        throw new WireError('ended-stream', `${name} on stream ${id}, which has ended`);
      case ClosedBy.NeverOpened:
        throw new WireError('stream-number', `${name} on stream ${id}, below one that was opened`);
      case ClosedBy.PeerReset:
        this.resetClosed(id, new WireError('half-closed-stream', `${name} behind RST_STREAM`));
        return;
      case ClosedBy.OurReset:
      case ClosedBy.Forgotten:
        // On its way when our reset was. Data has counted for the window of the connection.
        if (length === 0) this.#guard.idleFrame();
    }
  }

  #answer(streamId: number, { http2Code }: WireError): void {
    this.#guard.answer();
    this.#outbound.reset(streamId, http2Code ?? Http2ErrorCode.ProtocolError);
  }
}

/**
 * What a client must keep to (RFC 9113), checked by the origin on all that comes in: every test with such an origin is
 * a test of this, too. `frame()` is told each frame; `violations` says what was wrong with them.
 */
import {
  contentOf,
  DEFAULT_FRAME_BYTES,
  DEFAULT_TABLE_BYTES,
  DEFAULT_WINDOW_BYTES,
  FLAG,
  FRAME,
  MAX_WINDOW_BYTES,
  SETTING,
  settingsOf,
  type Frame,
  type SettingPair,
} from './frames.js';

/** The two windows and the two ends of a stream, as the origin sees them. */
export interface StreamState {
  /** Bytes that the client may still send on it. */
  theirWindow: number;
  /** Bytes that the origin may still send on it. */
  ourWindow: number;
  isTheirSideEnded: boolean;
  isOurSideEnded: boolean;
  /** The origin has reset it: frames of the client may still be on their way. */
  isResetByUs: boolean;
}

const CONNECTION_FIELDS = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'],
]);
const PSEUDO_FIELDS = new Set([':method', ':scheme', ':authority', ':path']);

export class ClientRules {
  readonly violations: string[] = [];
  readonly streams = new Map<number, StreamState>();
  /** Of the connection: what the client, and what the origin, may still send. */
  theirWindow = DEFAULT_WINDOW_BYTES;
  ourWindow = DEFAULT_WINDOW_BYTES;
  /** What the client has set. */
  theirSettings = new Map<number, number>([
    [SETTING.initialWindowSize, DEFAULT_WINDOW_BYTES],
    [SETTING.maxFrameSize, DEFAULT_FRAME_BYTES],
  ]);
  /** What the origin has set and the client has acknowledged. */
  #ours = new Map<number, number>(this.theirSettings);
  readonly #unacknowledged: (readonly SettingPair[])[] = [];
  #lastStreamId = 0;
  #blockOf = 0;
  #isFirst = true;

  /** SETTINGS_HEADER_TABLE_SIZE of the origin, acknowledged. */
  get allowedTableBytes(): number {
    return this.#ours.get(SETTING.headerTableSize) ?? DEFAULT_TABLE_BYTES;
  }

  /** A frame of the client, before anything else is done with it. */
  received(frame: Frame): void {
    const { type, flags, streamId, payload } = frame;
    if (this.#isFirst && (type !== FRAME.settings || flags & FLAG.ack))
      this.#say('the first frame is no SETTINGS');
    this.#isFirst = false;
    if (this.#blockOf !== 0 && (type !== FRAME.continuation || streamId !== this.#blockOf))
      this.#say(`a frame of type ${type} inside the header block of stream ${this.#blockOf}`);
    if (payload.length > (this.#ours.get(SETTING.maxFrameSize) ?? 0))
      this.#say(`a frame of ${payload.length} bytes is more than was allowed`);
    switch (type) {
      case FRAME.data: {
        this.#data(frame);
        return;
      }
      case FRAME.headers: {
        this.#headers(frame);
        return;
      }
      case FRAME.continuation:
        if (this.#blockOf === 0) this.#say('a CONTINUATION that continues nothing');
        if (flags & FLAG.endHeaders) this.#blockOf = 0;
        return;
      case FRAME.rstStream:
        if (payload.length !== 4) this.#say('a RST_STREAM with a wrong length');
        if (streamId === 0 || streamId > this.#lastStreamId) this.#say('a RST_STREAM of nothing');
        {
          this.#ended(streamId, 'both');
          return;
        }
      case FRAME.settings: {
        this.#settings(frame);
        return;
      }
      case FRAME.windowUpdate: {
        this.#windowUpdate(frame);
        return;
      }
      case FRAME.ping:
        if (payload.length !== 8 || streamId !== 0) this.#say('a malformed PING');
        return;
      case FRAME.goaway:
        if (payload.length < 8 || streamId !== 0) this.#say('a malformed GOAWAY');
        return;
      case FRAME.priority:
        return;
      default:
        this.#say(`a frame of type ${type} from a client`);
    }
  }

  /** A frame of the origin: its promises, and its part of the windows. */
  sent({ type, flags, streamId, payload }: Frame): void {
    const stream = this.streams.get(streamId);
    if (type === FRAME.settings && !(flags & FLAG.ack))
      this.#unacknowledged.push(settingsOf({ type, flags, streamId, payload }));
    if (type === FRAME.windowUpdate && payload.length === 4) {
      const credit = payload.readUInt32BE() & MAX_WINDOW_BYTES;
      if (streamId === 0) this.theirWindow += credit;
      else if (stream !== undefined) stream.theirWindow += credit;
    }
    if (type === FRAME.data) {
      this.ourWindow -= payload.length;
      if (stream !== undefined) stream.ourWindow -= payload.length;
    }
    if (type === FRAME.rstStream) {
      if (stream !== undefined) stream.isResetByUs = true;
      this.#ended(streamId, 'both');
    } else if ((type === FRAME.data || type === FRAME.headers) && flags & FLAG.endStream)
      this.#ended(streamId, 'ours');
  }

  /** The fields of a request, decoded (§8.2, §8.3). */
  head(fields: readonly (readonly [string, string])[]): void {
    const seen = new Set<string>();
    let isBehindPseudo = false;
    for (const [name, value] of fields) {
      if (name !== name.toLowerCase()) this.#say(`a name that is not in lower case: ${name}`);
      if (/[\r\n\0]/.test(name + value) || value !== value.trim())
        this.#say(`a malformed field: ${name}`);
      if (CONNECTION_FIELDS.has(name) || (name === 'te' && value !== 'trailers'))
        this.#say(`a field of the connection: ${name}: ${value}`);
      if (!name.startsWith(':')) {
        isBehindPseudo = true;
        continue;
      }
      if (isBehindPseudo || seen.has(name) || !PSEUDO_FIELDS.has(name))
        this.#say(`a pseudo-field that is unknown, doubled or late: ${name}`);
      seen.add(name);
    }
    for (const name of [':method', ':scheme', ':path'])
      if (!seen.has(name)) this.#say(`a request without ${name}`);
  }

  #headers({ flags, streamId }: Frame): void {
    if ((flags & FLAG.endHeaders) === 0) this.#blockOf = streamId;
    const known = this.streams.get(streamId);
    if (known !== undefined) {
      if (known.isResetByUs) return;
      if (known.isTheirSideEnded) this.#say(`HEADERS on stream ${streamId}, which it had ended`);
      if ((flags & FLAG.endStream) === 0) this.#say('trailers that do not end their stream');
    } else {
      if (streamId % 2 === 0 || streamId <= this.#lastStreamId)
        this.#say(`a new stream has the number ${streamId} behind ${this.#lastStreamId}`);
      this.#lastStreamId = streamId;
      this.streams.set(streamId, {
        theirWindow: this.#ours.get(SETTING.initialWindowSize) ?? 0,
        ourWindow: this.theirSettings.get(SETTING.initialWindowSize) ?? 0,
        isTheirSideEnded: false,
        isOurSideEnded: false,
        isResetByUs: false,
      });
      const limit = this.#ours.get(SETTING.maxConcurrentStreams) ?? Infinity;
      if (limit < this.streams.size && this.#active() > limit)
        this.#say(`stream ${streamId} is one more than the ${limit} allowed`);
    }
    if (flags & FLAG.endStream) this.#ended(streamId, 'theirs');
  }

  #data(frame: Frame): void {
    const { flags, streamId, payload } = frame;
    const stream = this.streams.get(streamId);
    if (stream?.isResetByUs === true) {
      this.theirWindow -= payload.length;
      return;
    }
    if (stream === undefined || stream.isTheirSideEnded) {
      this.#say(`DATA on stream ${streamId}, which is not open`);
      return;
    }
    contentOf(frame);
    stream.theirWindow -= payload.length;
    this.theirWindow -= payload.length;
    if (payload.length > 0 && (stream.theirWindow < 0 || this.theirWindow < 0))
      this.#say(`DATA on stream ${streamId} beyond its window`);
    if (flags & FLAG.endStream) this.#ended(streamId, 'theirs');
  }

  #settings(frame: Frame): void {
    const { flags, streamId, payload } = frame;
    if (streamId !== 0 || payload.length % 6 !== 0) this.#say('a malformed SETTINGS');
    if (flags & FLAG.ack) {
      if (payload.length > 0) this.#say('an acknowledgement with settings');
      const pairs = this.#unacknowledged.shift();
      if (pairs === undefined) this.#say('an acknowledgement of no SETTINGS');
      for (const [id, value] of pairs ?? []) {
        if (id === SETTING.initialWindowSize) this.#moveWindows('theirWindow', this.#ours, value);
        this.#ours.set(id, value);
      }
      return;
    }
    for (const [id, value] of settingsOf(frame)) {
      if (id === SETTING.initialWindowSize)
        this.#moveWindows('ourWindow', this.theirSettings, value);
      if (id === SETTING.enablePush && value !== 0)
        this.#say('the client wants pushes that it would refuse');
      this.theirSettings.set(id, value);
    }
  }

  #moveWindows(
    side: 'ourWindow' | 'theirWindow',
    from: ReadonlyMap<number, number>,
    to: number,
  ): void {
    const difference = to - (from.get(SETTING.initialWindowSize) ?? 0);
    for (const stream of this.streams.values()) stream[side] += difference;
  }

  #windowUpdate({ streamId, payload }: Frame): void {
    const credit = payload.length === 4 ? payload.readUInt32BE() : 0;
    if (credit === 0 || credit > MAX_WINDOW_BYTES) {
      this.#say('a malformed WINDOW_UPDATE');
      return;
    }
    const stream = this.streams.get(streamId);
    if (streamId === 0) this.ourWindow += credit;
    else if (stream === undefined) {
      this.#say('a WINDOW_UPDATE of no stream');
      return;
    } else stream.ourWindow += credit;
    if (this.ourWindow > MAX_WINDOW_BYTES || (stream?.ourWindow ?? 0) > MAX_WINDOW_BYTES)
      this.#say('a window above 2^31 − 1');
  }

  #ended(streamId: number, side: 'ours' | 'theirs' | 'both'): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (side !== 'ours') stream.isTheirSideEnded = true;
    if (side !== 'theirs') stream.isOurSideEnded = true;
  }

  #active(): number {
    let count = 0;
    for (const { isTheirSideEnded, isOurSideEnded } of this.streams.values())
      if (!isTheirSideEnded || !isOurSideEnded) count += 1;
    return count;
  }

  #say(violation: string): void {
    this.violations.push(violation);
  }
}

/** Frames by hand (RFC 9113 §4, §6), and a codec that is fed them. Shares nothing with what it tests but the decoder of HPACK. */
import { Http2Codec } from '../../src/http2/codec.js';
import { HpackDecoder } from '../../src/http2/hpack/decoder.js';
import type { Http2Limits, Http2RequestToSend } from '../../src/http2/stream-api.js';
import { WireError, type WireReason } from '../../src/wire-error.js';
import { GET, LIMITS, Recorder, Side } from './http2.js';

const TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
];

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

export function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Literals without indexing, in the order given: `name: value`, or a name and value that have such a colon themselves. */
export function block(...fields: (string | readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const colon = typeof field === 'string' ? field.indexOf(': ', 1) : 0;
      const [name, value] =
        typeof field === 'string' ? [field.slice(0, colon), field.slice(colon + 2)] : field;
      return [Buffer.from([0]), text(name), text(value)];
    }),
  );
}

function text(of: string): Buffer {
  const bytes = Buffer.from(of, 'latin1');
  const more: number[] = [];
  if (bytes.length >= 127) {
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) more.push((rest % 128) + 128);
    more.push(rest);
  }
  return Buffer.concat([Buffer.from([Math.min(127, bytes.length), ...more]), bytes]);
}

export function headers(id: number, fields: Buffer, flags = END_HEADERS | END_STREAM): Buffer {
  return frame(1, flags, id, fields);
}
export function data(id: number, body: string | Buffer, flags = 0): Buffer {
  return frame(0, flags, id, Buffer.from(body));
}
export function padded(type: number, id: number, body: Buffer, padding: number, flags = 0): Buffer {
  const payload = Buffer.concat([Buffer.from([padding]), body, Buffer.alloc(padding)]);
  return frame(type, flags | PADDED, id, payload);
}
export function rst(id: number, code = 8): Buffer {
  return frame(3, 0, id, number(code));
}
export function settings(...pairs: [id: number, value: number][]): Buffer {
  const payload = pairs.map(([id, value]) => {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16BE(id);
    bytes.writeUInt32BE(value, 2);
    return bytes;
  });
  return frame(4, 0, 0, Buffer.concat(payload));
}
export const SETTINGS_ACK = frame(4, ACK, 0, Buffer.alloc(0));
export function ping(text: string, flags = 0): Buffer {
  return frame(6, flags, 0, Buffer.from(text, 'latin1'));
}
export function goaway(last: number, code = 0, debug = ''): Buffer {
  return frame(7, 0, 0, Buffer.concat([number(last), number(code), Buffer.from(debug, 'latin1')]));
}
export function windowUpdate(id: number, increment: number): Buffer {
  return frame(8, 0, id, number(increment));
}
export function continuation(id: number, fields: Buffer, flags = END_HEADERS): Buffer {
  return frame(9, flags, id, fields);
}

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const REQUEST = [':method: GET', ':scheme: https', ':path: /', ':authority: a.test'];
export const POST = [':method: POST', ':scheme: https', ':path: /', ':authority: a.test'];
export const OK = block(':status: 200');

/** One codec, its user, and a peer by hand. */
export class Lone {
  readonly side = new Side();
  readonly codec: Http2Codec;
  readonly calls: Recorder[] = [];
  readonly #decoder = new HpackDecoder(4_096);
  #rest: Buffer = Buffer.alloc(0);

  /** Greeted and acknowledged, and what it has said by then is dropped; unless `isBare`. */
  constructor(role: 'client' | 'server', limits: Partial<Http2Limits> = {}, isBare = false) {
    this.codec = new Http2Codec(role, this.side, { ...LIMITS, ...limits });
    this.codec.start();
    if (isBare) return;
    if (role === 'server') this.feed(PREFACE);
    this.feed(settings(), SETTINGS_ACK);
    this.said();
    this.side.log.length = 0;
  }

  feed(...frames: Buffer[]): this {
    this.codec.feed(Buffer.concat(frames));
    return this;
  }

  /** The reason of the error that these frames end the connection with. */
  refusal(...frames: Buffer[]): WireReason | undefined {
    try {
      this.feed(...frames);
    } catch (error) {
      if (error instanceof WireError && error.scope === 'connection') return error.reason;
      throw error;
    }
    return undefined;
  }

  request(request: Partial<Http2RequestToSend> = {}, isLast = true): Recorder {
    const call = new Recorder();
    this.calls.push(call);
    call.stream = this.codec.request({ ...GET, ...request }, call, isLast);
    return call;
  }

  /** Frames that wait to be written, in words, without their block of settings. */
  said(): string[] {
    let bytes = Buffer.concat([this.#rest, this.codec.takeOutput() ?? Buffer.alloc(0)]);
    if (bytes.subarray(0, 3).toString() === 'PRI') bytes = bytes.subarray(24);
    const frames: string[] = [];
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3);
      frames.push(this.#inWords(bytes.subarray(0, 9), bytes.subarray(9, 9 + length)));
      bytes = bytes.subarray(9 + length);
    }
    this.#rest = bytes;
    return frames;
  }

  #inWords(head: Buffer, payload: Buffer): string {
    const [type, flags, id] = [head[3]!, head[4]!, head.readUInt32BE(5)];
    const name = `${TYPES[type]}${id === 0 ? '' : ` ${id}`}`;
    switch (type) {
      case 0:
        return `${name} ${payload.length}${flags & END_STREAM ? ' end' : ''}`;
      case 1: {
        const fields: string[] = [];
        const taker = { field: (field: string, value: string) => fields.push(`${field}=${value}`) };
        if (flags & END_HEADERS) this.#decoder.decode(payload, 0, payload.length, taker, Infinity);
        return `${name} ${fields.join(' ')}${flags & END_STREAM ? ' end' : ''}`;
      }
      case 3:
        return `${name} ${payload.readUInt32BE()}`;
      case 4:
        return flags & ACK ? 'SETTINGS ack' : 'SETTINGS';
      case 6:
        return `${name}${flags & ACK ? ' ack' : ''} ${payload.toString('latin1')}`;
      case 7:
        return `${name} ${payload.readUInt32BE()} ${payload.readUInt32BE(4)}`;
      case 8:
        return `${name} ${payload.readUInt32BE()}`;
      default:
        return name;
    }
  }
}

/**
 * Settings (RFC 9113 §6.5): those of the peer, which bind us from the moment they come in, and ours, which bind the peer
 * from its acknowledgement on.
 */
import { latin1 } from '../latin1.js';
import { WireError } from '../wire-error.js';
import { FrameBytes, MAX_WINDOW } from './frame-types.js';
import { DefaultSetting, MAX_FRAME_BYTES, SettingId } from './setting-ids.js';
import type { Http2Limits, PeerSettings } from './stream-api.js';

export type Role = 'client' | 'server';

/** As the peer set them last. */
export class ReceivedSettings implements PeerSettings {
  maxConcurrentStreams = Infinity;
  initialWindowBytes: number = DefaultSetting.windowBytes;
  maxFrameBytes: number = DefaultSetting.maxFrameBytes;
  maxHeaderListBytes = Infinity;
  headerTableBytes: number = DefaultSetting.headerTableBytes;
  enableConnectProtocol = false;
  /** Of the last frame: a table that was smaller in between has lost its entries by that (RFC 7541 §4.2). */
  smallestHeaderTableBytes = Infinity;

  /** The payload of a SETTINGS frame, in its order: the last value of a setting counts. @throws WireError */
  apply(ourRole: Role, bytes: Buffer, start: number, end: number): void {
    this.smallestHeaderTableBytes = this.headerTableBytes;
    for (let at = start; at < end; at += FrameBytes.setting)
      this.#set(ourRole, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }

  #set(ourRole: Role, id: number, value: number): void {
    switch (id) {
      case SettingId.HeaderTableSize:
        this.headerTableBytes = value;
        this.smallestHeaderTableBytes = Math.min(this.smallestHeaderTableBytes, value);
        return;
      case SettingId.EnablePush:
        // A server has nothing to allow; a client may, and nothing comes of it: we push nothing.
        if (value > (ourRole === 'client' ? 0 : 1)) throw outOfRange('ENABLE_PUSH', value);
        return;
      case SettingId.MaxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return;
      case SettingId.InitialWindowSize:
        if (value > MAX_WINDOW)
          throw new WireError('setting-window', `INITIAL_WINDOW_SIZE is ${value}`);
        this.initialWindowBytes = value;
        return;
      case SettingId.MaxFrameSize:
        if (value < DefaultSetting.maxFrameBytes || value > MAX_FRAME_BYTES)
          throw outOfRange('MAX_FRAME_SIZE', value);
        this.maxFrameBytes = value;
        return;
      case SettingId.MaxHeaderListSize:
        this.maxHeaderListBytes = value;
        return;
      case SettingId.EnableConnectProtocol:
        // Once allowed it stays so (RFC 8441 §3).
        if (value > 1 || (value === 0 && this.enableConnectProtocol))
          throw outOfRange('ENABLE_CONNECT_PROTOCOL', value);
        this.enableConnectProtocol = value === 1;
    }
  }
}

function outOfRange(name: string, value: number): Error {
  return new WireError('setting', `${name} is ${value}`);
}

/** What we offer, once, when the connection begins: number, value, number, value … */
export function offeredSettings(role: Role, limits: Http2Limits): number[] {
  const settings = [
    SettingId.HeaderTableSize,
    limits.headerTableBytes,
    SettingId.InitialWindowSize,
    limits.streamWindowBytes,
    SettingId.MaxHeaderListSize,
    limits.maxHeaderListBytes,
  ];
  if (role === 'client') settings.push(SettingId.EnablePush, 0);
  else settings.push(SettingId.MaxConcurrentStreams, limits.maxConcurrentStreams);
  return settings;
}

/** The text behind a GOAWAY, for a log: a few bytes, and only visible ones. */
export function debugText(bytes: Buffer, start: number, end: number): string {
  return latin1(bytes, start, end).replace(/[^\x20-\x7e]/g, '?');
}

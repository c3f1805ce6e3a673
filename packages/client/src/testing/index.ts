/** `@hotaru/client/testing`: time and origins that do what a test says. */
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.js';
export {
  ScriptedUpstream,
  type PeerScript,
  type ScriptedUpstreamOptions,
} from './scripted-upstream.js';
export { type CloseReport, type EndlessReport, type ScriptedPeer } from './scripted-peer.js';
export { type ReceivedRequest } from './received-request.js';
export { ClientGoneError, type CloseKind } from './inbox.js';
export { cannedResponse, chunkedBody, type CannedResponse } from './canned-response.js';
export { turn } from './waiting.js';

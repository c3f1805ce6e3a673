/** All rules, by role and part of the RFC. */
import * as clientConnection from './client-connection.js';
import * as clientMessages from './client-messages.js';
import type { Http2Rule } from './rule.js';
import * as serverConnection from './server-connection.js';
import * as serverMessages from './server-messages.js';
import * as serverStreams from './server-streams.js';

export const SERVER_RULES: Readonly<Record<string, readonly Http2Rule[]>> = {
  'starting, §3.4': serverConnection.STARTING,
  'frames and header blocks, §4': serverConnection.FRAMES,
  'states of a stream, §5': serverStreams.STATES,
  'frames of a stream, §6': serverStreams.STREAM_FRAMES,
  'frames of a connection, §6': serverConnection.CONNECTION_FRAMES,
  'messages, §8': serverMessages.MESSAGES,
};

export const CLIENT_RULES: Readonly<Record<string, readonly Http2Rule[]>> = {
  'starting, §3.4': clientConnection.STARTING,
  'frames and header blocks, §4': clientConnection.FRAMES,
  'streams and their frames, §5, §6': clientMessages.STATES,
  'frames of a connection, §6': clientConnection.CONNECTION_FRAMES,
  'messages, §8': clientMessages.MESSAGES,
};

/**
 * What the body of a response may be: which content codings are offered and undone (RFC 9110 §8.4), and how large it
 * may become by that, as the caller gets it. Undoing them is left to message/body-decoder.ts, counting to the body.
 *
 * `decompress: false` offers nothing and undoes nothing; both limits then count the bytes as they come.
 */
import { listMembers } from '@hotaru/wire';
import { CONSTANTS } from '../config/constants.js';
import { CODINGS, type BodyCodings, type Coding } from '../message/body-decoder.js';
import type { Policy } from '../send/send.js';

const BUILT_IN: BodyCodings = {
  // What every Node has, no more: zstd is undone where it can be, and not asked for.
  offer: 'gzip, deflate, br',

  toUndo(headers) {
    const field = headers.get('content-encoding');
    if (field === undefined) return undefined;
    const codings: Coding[] = [];
    for (const member of listMembers(field)) {
      const name = member.toLowerCase();
      if (name === 'identity') continue;
      const coding = CODINGS.get(name);
      if (coding === undefined || codings.length === CONSTANTS.maxCodings) return undefined;
      codings.unshift(coding);
    }
    return codings.length === 0 ? undefined : codings;
  },
};

export const decompression: Policy = (call, next) => {
  const { options, settings } = call;
  call.codings = options.decompresses ? BUILT_IN : undefined;
  call.maxResponseBytes = options.maxResponseSize ?? settings.maxResponseSize;
  call.maxBufferedBytes = settings.maxBufferedSize;
  return next(call);
};

/** With windows that let a large body flow: ours grow to twice that. */
import type { ClientContender } from '../../contender.js';
import { MIB } from '../../origins/answers.js';
import { http2Session } from '../http2-session.js';

const nodeHttp2LargeWindows: ClientContender = {
  label: 'node:http2, windows of 1 MiB',
  start: (target) => (target.streams === undefined ? undefined : http2Session(target, MIB)),
};
export default nodeHttp2LargeWindows;

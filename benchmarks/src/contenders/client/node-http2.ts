import type { ClientContender } from '../../contender.js';
import { http2Session } from '../http2-session.js';

const nodeHttp2: ClientContender = {
  label: 'node:http2',
  start: (target) => (target.streams === undefined ? undefined : http2Session(target)),
};
export default nodeHttp2;

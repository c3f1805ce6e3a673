/** HTTP/1.1 alone, where the origin would also do HTTP/2. */
import type { ClientContender } from '../../contender.js';
import { hotaruClient } from '../hotaru-client.js';

const hotaruHttp1: ClientContender = {
  label: 'hotaru over HTTP/1.1',
  start: (target) => hotaruClient(target, { http2: false }),
};
export default hotaruHttp1;

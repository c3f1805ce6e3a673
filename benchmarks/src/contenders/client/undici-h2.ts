/** Its `pipelining` is what limits the streams of a connection; the default is one. */
import type { ClientContender } from '../../contender.js';
import { undiciPool } from '../undici-pool.js';

const undiciHttp2: ClientContender = {
  label: 'undici: Pool.request(), allowH2',
  start(target) {
    const { streams, ca } = target;
    // Without TLS it has another class, for prior knowledge.
    if (streams === undefined || ca === undefined) return undefined;
    return undiciPool(target, {
      allowH2: true,
      pipelining: streams,
      maxConcurrentStreams: streams,
    });
  },
};
export default undiciHttp2;

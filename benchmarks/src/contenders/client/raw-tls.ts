/** The floor over TLS: a request written and bytes counted, on sockets that are there. No HTTP in it. */
import { isIP } from 'node:net';
import tls from 'node:tls';
import type { ClientContender } from '../../contender.js';
import { startLanes } from '../raw-lanes.js';

const rawTls: ClientContender = {
  label: 'floor: raw tls',
  isFloor: true,
  start(target) {
    if (target.ca === undefined) return undefined;
    const secureContext = tls.createSecureContext({ ca: target.ca });
    return startLanes(
      target,
      (options) =>
        tls
          .connect({
            ...options,
            servername: isIP(options.host) === 0 ? options.host : '',
            secureContext,
          })
          .setNoDelay(), // Node 20 leaves the option out
      'secureConnect',
    );
  },
};
export default rawTls;

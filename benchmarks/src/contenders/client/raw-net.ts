/** The floor: a request written and bytes counted, on sockets that are there. No HTTP in it. */
import net from 'node:net';
import type { ClientContender } from '../../contender.js';
import { startLanes } from '../raw-lanes.js';

const rawNet: ClientContender = {
  label: 'floor: raw net',
  isFloor: true,
  start: (target) =>
    target.ca === undefined
      ? startLanes(target, (options) => net.connect(options), 'connect')
      : undefined,
};
export default rawNet;

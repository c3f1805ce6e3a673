import type { ClientContender } from '../../contender.js';
import { undiciPool } from '../undici-pool.js';

const undiciPoolRequest: ClientContender = {
  label: 'undici: Pool.request()',
  start: (target) => undiciPool(target, { pipelining: 1 }),
};
export default undiciPoolRequest;

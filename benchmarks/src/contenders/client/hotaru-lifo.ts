/** The connection used last comes first, as with most peers; by default ours takes the one that rested longest. */
import type { ClientContender } from '../../contender.js';
import { hotaruClient } from '../hotaru-client.js';

const hotaruLifo: ClientContender = {
  label: "hotaru, order: 'lifo'",
  start: (target) => hotaruClient(target, { order: 'lifo' }),
};
export default hotaruLifo;

import type { ClientContender } from '../../contender.js';
import { hotaruClient } from '../hotaru-client.js';

const hotaru: ClientContender = {
  label: 'hotaru: sendRequest()',
  start: (target) => hotaruClient(target),
};
export default hotaru;

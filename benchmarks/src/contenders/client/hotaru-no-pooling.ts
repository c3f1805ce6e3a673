/** What reuse is worth: here every request dials and closes a connection of its own. */
import type { ClientContender } from '../../contender.js';
import { hotaruClient } from '../hotaru-client.js';

const hotaruNoPooling: ClientContender = {
  label: 'hotaru without pooling',
  start: (target) => hotaruClient(target, { enablePooling: false }),
};
export default hotaruNoPooling;

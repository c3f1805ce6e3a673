/** The certificate to trust written into the options of each call, a new object every time. */
import type { ClientContender } from '../../contender.js';
import { hotaruClient } from '../hotaru-client.js';

const hotaruCallCa: ClientContender = {
  label: "hotaru, tls: { ca } in the call's options",
  start: (target) =>
    target.ca === undefined
      ? undefined
      : hotaruClient(target, { hosts: {} }, () => ({ tls: { ca: target.ca } })),
};
export default hotaruCallCa;

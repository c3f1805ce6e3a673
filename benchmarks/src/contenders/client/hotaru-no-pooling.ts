/** What reuse is worth: here every request dials and closes a connection of its own. */
import { ConnectionPool, type RequestInit } from '@hotaru/client';
import type { ClientContender } from '../../contender.js';
import { checkStatus } from '../ok.js';

const hotaruNoPooling: ClientContender = {
  label: 'hotaru without pooling',
  start({ origin, connections, ca }) {
    const pool = new ConnectionPool({
      enablePooling: false,
      maxPerHost: connections,
      hosts: { [new URL(origin).host]: { tls: { ca } } },
    });
    const text = async (request: RequestInit): Promise<string> => {
      const res = await pool.sendRequest(origin, request);
      checkStatus(res.status);
      return res.text();
    };
    return {
      get: (path) => text({ path }),
      post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return text({ method: 'POST', path, headers, body });
      },
      close: () => pool.close(),
    };
  },
};
export default hotaruNoPooling;

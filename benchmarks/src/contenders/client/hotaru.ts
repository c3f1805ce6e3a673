import { ConnectionPool, type RequestInit } from '@hotaru/client';
import type { ClientContender } from '../../contender.js';
import { checkStatus } from '../ok.js';

const hotaru: ClientContender = {
  label: 'hotaru: sendRequest()',
  start({ origin, connections, ca }) {
    const pool = new ConnectionPool({
      maxPerHost: connections,
      maxIdlePerHost: connections,
      maxPending: 65_535,
      maxTotal: 65_535,
      hosts: { [new URL(origin).host]: { tls: { ca } } },
    });
    const send = async (request: RequestInit) => {
      const res = await pool.sendRequest(origin, request);
      checkStatus(res.status);
      return res;
    };
    return {
      get: async (path) => (await send({ path })).text(),
      async getFrom(url) {
        const res = await pool.sendRequest(url);
        checkStatus(res.status);
        return res.text();
      },
      async post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return (await send({ method: 'POST', path, headers, body })).text();
      },
      async download(path, take) {
        for await (const piece of (await send({ path })).body) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': String(length) };
        await (await send({ method: 'POST', path, headers, body: pieces() })).text();
      },
      close: () => pool.close(),
    };
  },
};
export default hotaru;

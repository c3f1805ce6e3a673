import { Readable } from 'node:stream';
import { Agent, fetch, type RequestInit } from 'undici';
import type { ClientContender } from '../../contender.js';
import { drain, drainReader, drainThrough } from '../drain.js';
import { checkStatus } from '../ok.js';

const undiciFetch: ClientContender = {
  label: 'undici: fetch()',
  start({ origin, connections, ca }) {
    const dispatcher = new Agent({
      connections,
      pipelining: 1,
      keepAliveTimeout: 600_000,
      connect: { ca },
    });
    const send = async (path: string, init?: RequestInit) => {
      const res = await fetch(origin + path, { dispatcher, ...init });
      checkStatus(res.status);
      return res;
    };
    return {
      async read(path, way) {
        const res = await send(path);
        const body = res.body as ReadableStream<Uint8Array> | null;
        if (body === null) throw new Error('no body');
        switch (way) {
          case 'text':
          case 'packed':
            return (await res.text()).length;
          case 'json':
            return Object.keys((await res.json()) as object).length;
          case 'pieces':
            return drain(body);
          case 'webReader':
            return drainReader(body);
          case 'piped':
            return drainThrough(Readable.fromWeb(body));
          case 'cookies':
            await res.text();
            return res.headers.getSetCookie().length;
        }
      },
      get: async (path) => (await send(path)).text(),
      async post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return (await send(path, { method: 'POST', headers, body })).text();
      },
      async download(path, take) {
        const { body } = await send(path);
        if (body === null) throw new Error('no body');
        for await (const piece of body as AsyncIterable<Uint8Array>) await take(piece);
      },
      async upload(path, pieces, length) {
        const headers = { 'content-length': String(length) };
        const body = pieces();
        await (await send(path, { method: 'POST', headers, body, duplex: 'half' })).text();
      },
      close: () => dispatcher.destroy(),
    };
  },
};
export default undiciFetch;

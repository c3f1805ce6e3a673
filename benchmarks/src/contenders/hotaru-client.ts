/** Our client, as its contenders use it: they differ in settings only. */
import {
  ConnectionPool,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
import type { BenchClient, ClientTarget } from '../contender.js';
import { drain, drainReader, drainThrough } from './drain.js';
import { FIELDS, QUERY } from './ways.js';
import { checkStatus } from './ok.js';

export function hotaruClient(
  { origin, connections, ca, streams }: ClientTarget,
  settings: PoolConfigInput = {},
  optionsOfCall: () => SendOptions | undefined = () => undefined,
): BenchClient {
  const pool = new ConnectionPool({
    maxPerHost: connections,
    maxIdlePerHost: connections,
    maxPending: 65_535,
    maxTotal: 65_535,
    hosts: { [new URL(origin).host]: { tls: { ca } } },
    ...(streams !== undefined && {
      maxStreams: streams,
      http2: ca === undefined ? 'prior-knowledge' : true,
    }),
    ...settings,
  });
  const send = async (url: string | URL, request: RequestInit, options = optionsOfCall()) => {
    const res = await pool.sendRequest(url, request, options);
    checkStatus(res.status);
    return res;
  };
  return {
    get: async (path) => (await send(origin, { path })).text(),
    getFrom: async (url) => (await send(url, {})).text(),
    async getBy(way, path) {
      switch (way) {
        case 'URL object':
          return (await send(new URL(path, origin), {})).text();
        case 'Headers instance':
          return (await send(origin, { path, headers: new Headers(FIELDS) })).text();
        case 'query object':
          return (await send(origin, { path, query: QUERY })).text();
        case 'signal':
          return (await send(origin, { path }, { signal: new AbortController().signal })).text();
        case 'timeout':
          return (await send(origin, { path }, { timeout: 30_000 })).text();
      }
    },
    async post(path, body) {
      const headers = { 'content-type': 'application/json' };
      return (await send(origin, { method: 'POST', path, headers, body })).text();
    },
    async download(path, take) {
      for await (const piece of (await send(origin, { path })).body) await take(piece);
    },
    async read(path, way) {
      const res = await send(origin, { path });
      switch (way) {
        case 'text':
        case 'packed':
          return (await res.text()).length;
        case 'json':
          return Object.keys(await res.json<object>()).length;
        case 'pieces':
          return drain(res.body);
        case 'webReader':
          return drainReader(res.body);
        case 'piped':
          return drainThrough(res.readable());
        case 'cookies':
          await res.text();
          return res.headers.getAll('set-cookie').length;
      }
    },
    async upload(path, pieces, length) {
      const headers = { 'content-length': String(length) };
      await (await send(origin, { method: 'POST', path, headers, body: pieces() })).text();
    },
    close: () => pool.close(),
  };
}

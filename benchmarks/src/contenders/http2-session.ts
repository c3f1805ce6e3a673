/**
 * node:http2 by hand, as its documents show it and as fast as it goes: one session for all requests, no event listened
 * to that is not needed. Its contenders differ in the windows they offer.
 */
import { once } from 'node:events';
import http2, { type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { BenchClient, ClientTarget } from '../contender.js';
import { drain, drainReader, drainThrough } from './drain.js';
import { FIELDS, QUERY } from './ways.js';

/** @param windowBytes For each stream, and for all of them together. Default: what Node offers, 64 KiB. */
export async function http2Session(
  { origin, ca }: ClientTarget,
  windowBytes?: number,
): Promise<BenchClient> {
  const session = http2.connect(origin, {
    ...(ca !== undefined && { ca }),
    settings: {
      enablePush: false,
      ...(windowBytes !== undefined && { initialWindowSize: windowBytes }),
    },
  });
  await once(session, 'connect');
  if (windowBytes !== undefined) session.setLocalWindowSize(windowBytes);

  const head = (stream: ClientHttp2Stream): Promise<http2.IncomingHttpHeaders> =>
    new Promise((resolve, reject) => {
      stream.on('response', (headers) => {
        const { ':status': status = 0 } = headers;
        if (isOk(status)) resolve(headers);
        else reject(new Error(`status ${status}`));
      });
      stream.on('error', reject);
    });
  const textOf = (stream: ClientHttp2Stream): Promise<string> =>
    new Promise((resolve, reject) => {
      let whole = '';
      let status = 0;
      stream.setEncoding('utf8');
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (piece: string) => (whole += piece));
      stream.on('end', () => {
        if (isOk(status)) resolve(whole);
        else reject(new Error(`status ${status}`));
      });
      stream.on('error', reject);
    });
  const get = (path: string, headers?: OutgoingHttpHeaders, signal?: AbortSignal) =>
    session.request({ ':path': path, ...headers }, signal && { signal });

  return {
    get: (path) => textOf(session.request({ ':path': path })),
    getBy(way, path) {
      switch (way) {
        case 'URL object': {
          const { pathname, search } = new URL(path, origin);
          return textOf(get(pathname + search));
        }
        case 'Headers instance':
          return textOf(get(path, Object.fromEntries(new Headers(FIELDS))));
        case 'query object': {
          const query = new URLSearchParams(QUERY as unknown as Record<string, string>);
          return textOf(get(`${path}?${query.toString()}`));
        }
        case 'signal':
          return textOf(get(path, {}, new AbortController().signal));
        case 'timeout':
          return textOf(get(path, {}, AbortSignal.timeout(30_000)));
      }
    },
    post(path, json) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(json),
      });
      stream.end(json);
      return textOf(stream);
    },
    async download(path, take) {
      const stream: ClientHttp2Stream & AsyncIterable<Buffer> = get(path);
      await head(stream);
      for await (const piece of stream) await take(piece);
    },
    async read(path, way) {
      const stream = get(path, way === 'packed' ? { 'accept-encoding': 'gzip, deflate, br' } : {});
      switch (way) {
        case 'text':
          return (await textOf(stream)).length;
        case 'json':
          return Object.keys(JSON.parse(await textOf(stream)) as object).length;
        case 'pieces':
          await head(stream);
          return drain(stream);
        case 'webReader':
          await head(stream);
          // Not `Readable.toWeb()`: on Node 20 that throws when much comes in one turn.
          return drainReader(ReadableStream.from(stream));
        case 'piped':
          await head(stream);
          return drainThrough(stream);
        case 'packed': {
          const headers = await head(stream);
          if (headers['content-encoding'] !== 'gzip') throw new Error('not packed');
          let whole = '';
          const unpacked = stream.pipe(createGunzip()).setEncoding('utf8');
          for await (const piece of unpacked as AsyncIterable<string>) whole += piece;
          return whole.length;
        }
        case 'cookies': {
          const [headers] = await Promise.all([head(stream), textOf(stream)]);
          return headers['set-cookie']?.length ?? 0;
        }
      }
    },
    async upload(path, pieces, length) {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-length': length,
      });
      await Promise.all([pipeline(pieces(), stream), textOf(stream)]);
    },
    close: () => session.destroy(),
  };
}

function isOk(status: number): boolean {
  return status >= 200 && status <= 299;
}

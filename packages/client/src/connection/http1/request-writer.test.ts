import { expect, it } from 'vitest';
import { RequestError } from '../../errors.js';
import { toRequestBody } from '../../message/request-body.js';
import type { ExchangeRequest } from '../exchange.js';
import type { Transport } from '../transport.js';
import { RequestWriter } from './request-writer.js';

/** What was written, and what the writer told of it. */
class Scene {
  written = '';
  readonly states: string[] = [];
  readonly errors: Error[] = [];
  readonly counters = { bytesSent: 0 };
  readonly socket = {
    write: (bytes: string) => (this.written += bytes) !== '',
    cork: () => undefined,
    uncork: () => undefined,
  };
  #writer: RequestWriter | undefined = undefined;

  start(request: ExchangeRequest, isLastUse: boolean): void {
    this.#writer = new RequestWriter(this as unknown as Transport, request.body, this);
    this.#writer.start(request, isLastUse);
  }

  sending(state: string): void {
    this.states.push(state);
  }

  bodyFailed(error: Error): void {
    this.errors.push(error);
    this.#writer?.stop(); // as the exchange does, which it ends
  }
}

const REQUEST: ExchangeRequest = {
  method: 'POST',
  scheme: 'http',
  authority: 'a',
  target: '/',
  fields: ['x-a', 'b'],
  body: toRequestBody('hello'),
  contentLength: 5,
  expectsContinue: false,
  wantsClose: false,
};

it('a head and its small body are one write', () => {
  const scene = new Scene();
  scene.start(REQUEST, true);
  expect(scene.written).toBe(
    'POST / HTTP/1.1\r\nhost: a\r\nx-a: b\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello',
  );
  expect(scene.states).toEqual(['written']);
});

it('what no check of a request should have let through is an error of the call, and no byte is written', () => {
  let isGivenUp = false;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: true as const, value: undefined }),
      return: () => {
        isGivenUp = true;
        return Promise.resolve({ done: true as const, value: undefined });
      },
    }),
  };
  const scene = new Scene();
  const fields = ['x-a', 'b\r\nx-evil: c'];
  scene.start({ ...REQUEST, fields, body: toRequestBody(source), contentLength: -1 }, false);
  expect(scene.written).toBe('');
  expect(scene.states).toEqual([]);
  expect(scene.errors).toEqual([expect.objectContaining({ code: 'HOTARU_INVALID_REQUEST' })]);
  expect(scene.errors[0]).toBeInstanceOf(RequestError);
  expect(isGivenUp).toBe(true);
});

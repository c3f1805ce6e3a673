/** The options of a call as the code reads them, and what is refused. */
import { describe, expect, it } from 'vitest';
import { RequestError } from '../errors.js';
import { checkOptions, type SendOptions } from './options.js';

describe('options', () => {
  it('are the defaults when there are none, and when each is undefined', () => {
    const none = checkOptions(undefined);
    expect(none).toMatchObject({ decompresses: true, followsRedirects: false, publicOnly: false });
    expect(checkOptions({})).toEqual(none);
    const all: SendOptions = { signal: undefined, timeout: undefined, redirect: undefined, tls: undefined, decompress: undefined, safety: undefined, maxResponseSize: undefined }; // prettier-ignore
    expect(checkOptions(all)).toEqual(none);
  });

  it('are each read into its own place, durations as ms and sizes as bytes', () => {
    const { signal } = new AbortController();
    const onInformational = () => undefined;
    const tls = { servername: 'a' };
    const checked = checkOptions({
      signal,
      timeout: '5s',
      connectTimeout: 1,
      headersTimeout: '2m',
      bodyTimeout: Infinity,
      maxResponseSize: '1kb',
      idempotencyKey: 'k',
      tls,
      redirect: 'follow',
      decompress: false,
      safety: { untrusted: true },
      onInformational,
    });
    expect(checked).toEqual({
      signal,
      timeoutMs: 5_000,
      connectTimeoutMs: 1,
      headersTimeoutMs: 120_000,
      bodyTimeoutMs: Infinity,
      maxResponseSize: 1_024,
      idempotencyKey: 'k',
      tls,
      followsRedirects: true,
      decompresses: false,
      publicOnly: true,
      onInformational,
    });
  });

  it('of a prototype of the caller’s own count', () => {
    const options = Object.create({ timeout: 7 }) as SendOptions;
    expect(checkOptions(options).timeoutMs).toBe(7);
  });

  it.each<[string, unknown, RegExp]>([
    ['no object', 5, /options of a call must be an object, not 5/],
    ['null', null, /must be an object, not null/],
    ['a list', [], /must be an object, not a list/],
    ['an unknown name', { timout: 5 }, /option timout is not known.*timeout/],
    ['a timeout of 0', { timeout: 0 }, /option timeout is 0; allowed: milliseconds above 0/],
    ['a timeout that is no duration', { bodyTimeout: 'soon' }, /option bodyTimeout is "soon"/],
    ['a size that is none', { maxResponseSize: 'big' }, /option maxResponseSize is "big"/],
    [
      'http2, which is a setting',
      { http2: false },
      /http2 is not known.*; http2 is a setting of .* tls: \{ alpn:/,
    ],
    ['a redirect that is none', { redirect: 'error' }, /option redirect is "error"; allowed/],
    ['decompress as text', { decompress: 'yes' }, /option decompress is "yes"/],
    ['a signal that is none', { signal: {} }, /option signal must be an AbortSignal/],
    ['an empty key', { idempotencyKey: '' }, /option idempotencyKey must be text/],
    ['a key that is no text', { idempotencyKey: 5 }, /option idempotencyKey must be text/],
    ['tls that is no object', { tls: true }, /option tls must be an object/],
    ['safety that is no object', { safety: true }, /option safety must be an object/],
    ['an unknown safety', { safety: { trusted: true } }, /option safety.trusted is not known/],
    ['safety as text', { safety: { untrusted: 'yes' } }, /option safety.untrusted/],
    ['a callback that is none', { onInformational: 1 }, /onInformational must be a function/],
  ])('are refused: %s', (_what, options, message) => {
    const check = () => checkOptions(options as SendOptions);
    expect(check).toThrow(RequestError);
    expect(check).toThrow(message);
  });

  it('of safety may say that a URL is trusted', () => {
    expect(checkOptions({ safety: { untrusted: false } }).publicOnly).toBe(false);
    expect(checkOptions({ safety: {} }).publicOnly).toBe(false);
  });
});

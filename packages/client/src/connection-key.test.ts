import { describe, expect, it } from 'vitest';
import { ConnectionKey } from './connection-key.js';

describe('a target without a scheme', () => {
  it.each(['localhost:3000', '127.0.0.1:3000/x', '[::1]:8080', 'api.example.com:443?q'])(
    '%s is told how to write it',
    (target) =>
      expect(() => ConnectionKey.from(target)).toThrow(
        new RegExp(` has no scheme; write http://.* or https://`),
      ),
  );

  it('without a port is told what a URL is', () =>
    expect(() => ConnectionKey.from('api.example.com')).toThrow(
      '"api.example.com" is not an absolute URL such as https://api.example.com',
    ));
});

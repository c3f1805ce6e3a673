/** ky calls the global fetch: `install()` makes it that of the installed undici, whose agent it then uses. */
import kyDefault from 'ky';
import { Agent, install, setGlobalDispatcher } from 'undici';
import type { ClientContender } from '../../contender.js';

const ky: ClientContender = {
  label: 'ky: ky().text(), on undici fetch()',
  start({ origin, connections, ca }) {
    const dispatcher = new Agent({
      connections,
      pipelining: 1,
      keepAliveTimeout: 600_000,
      connect: { ca },
    });
    install();
    setGlobalDispatcher(dispatcher);
    const client = kyDefault.create({ retry: 0 });
    return {
      get: (path) => client.get(origin + path).text(),
      post(path, body) {
        const headers = { 'content-type': 'application/json' };
        return client.post(origin + path, { headers, body }).text();
      },
      close: () => dispatcher.destroy(),
    };
  },
};
export default ky;

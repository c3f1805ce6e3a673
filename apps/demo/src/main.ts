/** `npm run demo`: the gateway on 127.0.0.1:3003, and the services it needs. */
import { ConnectionKey, HotaruError } from '@hotaru/core';
import { createGateway } from './gateway.js';
import { oneUpstream, startServices, type RunningServices } from './services.js';

const { DEMO_UPSTREAM, DEMO_BINDING = '127.0.0.1:3003' } = process.env;

const banner = (url: string): string => `
  Hotaru demo: a storefront gateway on ${url}

    curl ${url}/products/7     three services, asked at once
    curl ${url}/products       a list, streamed
    curl ${url}/pool           what the connection pool knows about itself
    npm run demo:load                          drive it, and watch the hit rate

  Stop it with Ctrl+C.
`;

let services: RunningServices | undefined;
try {
  // A bad address should be said now, not with the first request.
  if (DEMO_UPSTREAM !== undefined) ConnectionKey.from(DEMO_UPSTREAM);
  else services = await startServices();
  const upstreams = services?.upstreams ?? oneUpstream(DEMO_UPSTREAM ?? '');
  const app = createGateway(upstreams, { binding: DEMO_BINDING });
  const { url } = await app.start();
  console.log(banner(url)); // only now: a banner above "cannot listen" would promise what is not there
  await app.run();
} catch (error) {
  const isTaken = error instanceof HotaruError && error.code === 'HOTARU_BINDING_FAILED';
  const remedy = isTaken
    ? '; DEMO_BINDING says where it listens, for example: DEMO_BINDING=127.0.0.1:8080 npm run demo'
    : '';
  console.error(`the demo could not start: ${(error as Error).message}${remedy}`);
  process.exitCode = 1;
} finally {
  await services?.stop();
}

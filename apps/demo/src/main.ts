/** `npm run demo`: the gateway on 127.0.0.1:3003, and the services it needs. */
import { ConnectionKey } from '@hotaru/core';
import { createGateway } from './gateway.js';
import { oneUpstream, startServices, type RunningServices } from './services.js';

const { DEMO_UPSTREAM, DEMO_BINDING = '127.0.0.1:3003' } = process.env;

const BANNER = `
  Hotaru demo: a storefront gateway on http://${DEMO_BINDING}

    curl http://${DEMO_BINDING}/products/7     three services, asked at once
    curl http://${DEMO_BINDING}/products       a list, streamed
    curl http://${DEMO_BINDING}/pool           what the connection pool knows about itself
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
  console.log(BANNER);
  await app.run();
} catch (error) {
  console.error(`the demo could not start: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await services?.stop();
}

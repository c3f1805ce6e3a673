/**
 * Knows the prices. It closes idle connections after half a second, earlier than expected, so
 * the gateway keeps meeting connections that died while it was not looking.
 */
import { idIn, latency, sendJson, serve } from './service.js';

serve(
  async (request, response) => {
    await latency(5, 40);
    const id = idIn(request, '/prices/');
    if (id === undefined) sendJson(response, 404, { error: 'no such price' });
    else sendJson(response, 200, { id, cents: 500 + ((id * 379) % 9_500), currency: 'EUR' });
  },
  { keepAliveTimeoutMs: 500 },
);

/** Knows the reviews, and is the slow one: 80 to 400 ms. */
import { idIn, latency, sendJson, serve } from './service.js';

serve(async (request, response) => {
  await latency(80, 400);
  const id = idIn(request, '/reviews/');
  if (id === undefined) {
    sendJson(response, 404, { error: 'no such product' });
    return;
  }
  const count = id % 5;
  sendJson(response, 200, {
    id,
    count,
    stars: count === 0 ? null : 3 + (id % 3),
    latest: Array.from({ length: count }, (_, index) => `Review ${index + 1} of product ${id}`),
  });
});

/** Knows the products, and takes orders. Fast: 2 to 20 ms. */
import { idIn, latency, sendJson, serve } from './service.js';

const NAMES = ['Lantern', 'Firefly jar', 'Paper kite', 'Tea bowl', 'Ink stone', 'Wind chime'];

const products = Array.from({ length: 200 }, (_, index) => ({
  id: index + 1,
  name: `${NAMES[index % NAMES.length] ?? 'Thing'} ${index + 1}`,
}));

serve(async (request, response) => {
  await latency(2, 20);
  if (request.method === 'POST' && request.url === '/orders') {
    let body = '';
    for await (const piece of request) body += String(piece);
    sendJson(response, 201, { accepted: true, order: JSON.parse(body) as unknown });
    return;
  }
  if (request.url === '/products') {
    // A long list, row by row: it is never held whole on its way.
    response.writeHead(200, { 'content-type': 'application/json' });
    for (const [index, product] of products.entries())
      response.write(`${index === 0 ? '[' : ','}\n${JSON.stringify(product)}`);
    response.end('\n]\n');
    return;
  }
  const product = products.find(({ id }) => id === idIn(request, '/products/'));
  if (product === undefined) sendJson(response, 404, { error: 'no such product' });
  else sendJson(response, 200, product);
});

/**
 * The storefront gateway: one page of a product needs three services, and the browser asks once.
 *
 * Every outbound call goes over the one connection pool; each ends when the browser leaves.
 */
import {
  App,
  ConnectionPool,
  getRequest,
  HttpError,
  isRequestOver,
  json,
  jsonRequest,
  stream,
  type AppOptions,
  type HttpContext,
} from '@hotaru/core';
import type { Upstreams } from './services.js';

interface Product {
  id: number;
  name: string;
}

export function createGateway(upstreams: Upstreams, options: AppOptions = {}): App {
  const app = new App(options);

  app.get('/', () => ({
    try: ['/products/7', '/products', '/pool', '/health', 'POST /orders'],
  }));

  app.get('/products/<int:id>', async (ctx) => {
    const id = ctx.param('id');
    // All three at once: the page takes as long as the slowest, not as long as their sum.
    const [product, price, reviews] = await Promise.all([
      fetchProduct(ctx, upstreams.catalog, id),
      optional(ctx, upstreams.pricing, `/prices/${id}`),
      optional(ctx, upstreams.reviews, `/reviews/${id}`),
    ]);
    return { ...product, price, reviews };
  });

  app.get('/products', async (ctx) => {
    const res = await ctx.sendRequest(upstreams.catalog, getRequest('/products'));
    // Passed on piece by piece: a slow browser slows the catalog down, and fills no memory here.
    return stream(res.body, {
      status: res.status,
      headers: { 'content-type': res.headers.get('content-type') ?? 'application/json' },
    });
  });

  app.post('/orders', { safety: { allowedContentTypes: ['application/json'] } }, async (ctx) => {
    const order = await ctx.json();
    const res = await ctx.sendRequest(upstreams.catalog, jsonRequest('/orders', order));
    return json(await res.json(), { status: res.status });
  });

  app.get('/pool', () => json(ConnectionPool.global().stats()));
  app.get('/health', () => ({ status: 'ok' }));

  return app;
}

/** Without the product there is no page: its absence is the caller's 404, its failure a 502. */
async function fetchProduct(ctx: HttpContext, catalog: string, id: number): Promise<Product> {
  const res = await ctx.sendRequest(catalog, getRequest(`/products/${id}`));
  if (res.status === 404) throw new HttpError(404, { detail: `There is no product ${id}.` });
  if (!res.ok) throw new HttpError(502, { detail: `The catalog answered ${res.status}.` });
  return res.json<Product>();
}

/**
 * A page without price or reviews is still a page: a part that fails is left out. That the browser
 * has left, or that there is no product, is no failure of the part.
 */
async function optional(ctx: HttpContext, upstream: string, path: string): Promise<unknown> {
  try {
    const res = await ctx.sendRequest(upstream, getRequest(path), { timeout: '2s' });
    return res.ok ? await res.json() : null;
  } catch (error) {
    if (isRequestOver(error)) throw error;
    ctx.log.warn({ err: error }, 'a part of the page is missing');
    return null;
  }
}

/** What the servers of the `inbound-work` suite answer: the same routes, written as each framework has it. */

/** Sent by POST: 1 KiB, some of it deep. */
export const ORDER = {
  id: 42,
  customer: { name: 'Ada Lovelace', email: 'ada@example.com', tags: ['vip', 'early'] },
  lines: Array.from({ length: 12 }, (_, index) => ({
    sku: `article-${1_000 + index}`,
    quantity: index + 1,
    price: 9.95 * (index + 1),
    note: 'as agreed',
  })),
};
export type Order = typeof ORDER;
export const ORDER_JSON = JSON.stringify(ORDER);

export interface Receipt {
  id: number;
  customer: string;
  articles: number;
}

export function receiptOf({ id, customer, lines }: Order): Receipt {
  return { id, customer: customer.name, articles: lines.length };
}

/** Ten fields such as APIs send, values as they come from a program: some of them differ each time. */
export function tenHeaders(count: number): Record<string, string> {
  return {
    'cache-control': 'private, max-age=60',
    etag: `"${count}-5f3a"`,
    vary: 'accept-encoding, origin',
    'access-control-allow-origin': 'https://app.example.com',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'x-request-id': `req-${count}`,
    'x-ratelimit-limit': '1000',
    'x-ratelimit-remaining': String(count % 1_000),
  };
}

export const MIDDLEWARE_COUNT = 10;
/** Besides the routes that are asked: `/catalog-7/<id>/item/<item>`, say. */
export const OTHER_ROUTES = Array.from({ length: 100 }, (_, index) => `catalog-${index}`);

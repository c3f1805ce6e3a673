import { App, getRequest } from '@hotaru/core';

const upstream = process.env.UPSTREAM ?? 'https://dummyjson.com';
const app = new App({ binding: process.env.BINDING ?? '127.0.0.1:3003' });

app.get('/products/<int:id>', async (ctx) => {
  const res = await ctx.sendRequest(upstream, getRequest(`/products/${ctx.param('id')}`));
  return res.json();
});
await app.run();

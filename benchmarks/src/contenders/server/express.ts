import { createServer } from 'node:http';
import createExpress, { type Request } from 'express';
import { HELLO, type PostAnswer, type ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

type PostRequest = Request<{ id: string; post: string }, PostAnswer, unknown, { page: string }>;

const express: ServerContender = {
  label: 'Express',
  start() {
    const app = createExpress().set('env', 'production');
    app.get('/', (_req, res) => {
      res.type('text/plain').send(HELLO);
    });
    app.get('/users/:id/posts/:post', (req: PostRequest, res) => {
      res.json({ id: Number(req.params.id), post: req.params.post, page: req.query.page });
    });
    return listen(createServer(app));
  },
};
export default express;

import { Agent, createServer } from 'node:http';
import axios from 'axios';
import createExpress from 'express';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

const expressAxios: ServerContender = {
  label: 'Express + axios',
  start(upstream) {
    const client = axios.create({
      baseURL: upstream,
      httpAgent: new Agent({ keepAlive: true, maxSockets: 256 }),
      proxy: false,
    });
    const app = createExpress().set('env', 'production');
    app.get('/', async (_req, res) => {
      const { data } = await client.get<unknown>('/json');
      res.json(data);
    });
    return listen(createServer(app));
  },
};
export default expressAxios;

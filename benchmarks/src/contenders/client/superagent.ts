import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import superagentDefault, { type SuperAgentRequest } from 'superagent';
import type { ClientContender } from '../../contender.js';

const superagent: ClientContender = {
  label: 'superagent: res.text',
  start({ origin, connections, ca }) {
    const options = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
    const agent = ca === undefined ? new HttpAgent(options) : new HttpsAgent({ ...options, ca });
    const asText = superagentDefault.parse['text']; // by default it parses JSON as well
    if (asText === undefined) throw new Error('superagent has no parser for text');
    const text = async (request: SuperAgentRequest): Promise<string> =>
      (await request.agent(agent).buffer(true).parse(asText)).text;
    return {
      get: (path) => text(superagentDefault.get(origin + path)),
      post: (path, json) =>
        text(
          superagentDefault
            .post(origin + path)
            .type('application/json')
            .send(json),
        ),
      close: () => agent.destroy(),
    };
  },
};
export default superagent;

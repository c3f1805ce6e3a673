/** The origin of node-http2.ts as a process. */
import { serve } from '../harness/serve.js';
import { startNodeHttp2, type Certificate } from './node-http2.js';

export interface NodeHttp2Ports {
  tlsPort: number;
  plainPort: number;
  http1Port: number;
}

serve({
  async start(certificate: Certificate): Promise<NodeHttp2Ports> {
    const { tlsPort, plainPort, http1Port } = await startNodeHttp2(certificate);
    return { tlsPort, plainPort, http1Port };
  },
});

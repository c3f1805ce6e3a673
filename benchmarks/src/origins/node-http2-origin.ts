/** The origins of node-http2.ts and small-frames.ts as a process. */
import { serve } from '../harness/serve.js';
import { PREPARED } from './answers.js';
import { startNodeHttp2, type Certificate } from './node-http2.js';
import { startSmallFrames } from './small-frames.js';

export interface NodeHttp2Ports {
  tlsPort: number;
  plainPort: number;
  http1Port: number;
  /** By the path that asks for the same over HTTP/1.1. */
  framesPorts: Readonly<Record<string, number>>;
}

/** Bodies that fit into the window of a stream. */
const CUT = ['/chunks/400x50', '/chunks/20000x1'];

serve({
  async start(certificate: Certificate): Promise<NodeHttp2Ports> {
    const { tlsPort, plainPort, http1Port } = await startNodeHttp2(certificate);
    const framesPorts: Record<string, number> = {};
    for (const path of CUT) {
      const { body, chunkBytes = body.length } = PREPARED[path] ?? { body: Buffer.alloc(0) };
      framesPorts[path] = (await startSmallFrames(certificate, body, chunkBytes)).port;
    }
    return { tlsPort, plainPort, http1Port, framesPorts };
  },
});

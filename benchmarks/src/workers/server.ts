/** Runs one server, a framework or a gateway, and tells what its process spends. */
import { serve } from '../harness/serve.js';
import { loadServer } from './load-contender.js';
import { Window } from './window.js';

export interface ServerJob {
  /** The folder in contenders/, and the name of its file there. */
  kind: 'server' | 'gateway' | 'work';
  contender: string;
  upstream: string;
}

const window = new Window();

serve({
  async start({ kind, contender, upstream }: ServerJob): Promise<{ label: string; port: number }> {
    const framework = await loadServer(kind, contender);
    return { label: framework.label, port: (await framework.start(upstream)).port };
  },
  run: () => undefined, // it waits for its load
  begin: () => window.begin(),
  end: () => window.end(),
});

/**
 * Cuts TLS connections in the turn in which their handshake is done, for cut-handshakes.test.ts. A program of
 * its own, because Node 20 crashes where the testing tool does it wrong.
 *
 *     node cuts-handshakes.mjs close|reset        key and certificate as JSON on its standard input
 */
import { json } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { ScriptedUpstream } from '@hotaru/client/testing';

const [, , how] = process.argv;
const tls = await json(process.stdin);

for (let times = 0; times < 20; times += 1) {
  const upstream = await ScriptedUpstream.start({ tls });
  const client = connect({ port: upstream.port, host: '127.0.0.1', rejectUnauthorized: false });
  client.on('error', () => undefined);
  const peer = await upstream.connection(0);
  if (how === 'reset') {
    peer.reset();
    await upstream.waitForOpen(0);
  }
  await upstream.close();
  client.destroy();
}

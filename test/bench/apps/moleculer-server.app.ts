import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { ServiceBroker } from 'moleculer';
import { serve } from './serve.js';

/** Logger, metrics and tracing are off; the rest is as it comes, which is the fastest that is documented. */
const port = await freePort();
const broker = new ServiceBroker({
  nodeID: 'server',
  logger: false,
  transporter: { type: 'TCP', options: { udpDiscovery: false, port } },
});
broker.createService({
  name: 'bench',
  actions: { echo: ({ params }: { params: { data: unknown } }) => params.data },
});
await broker.start();
serve(`127.0.0.1:${port}/server`, {});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return free;
}

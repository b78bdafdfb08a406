import { ServiceBroker } from 'moleculer';
import { rateOf } from './load.js';
import { checkEcho, payloadOf, type PayloadKind } from './payload.js';
import { serve } from './serve.js';

const broker = new ServiceBroker({
  nodeID: 'client',
  logger: false,
  transporter: { type: 'TCP', options: { udpDiscovery: false, urls: [process.env['SERVER']] } },
});
await broker.start();
await broker.waitForServices('bench');

/** Its messages are JSON, as those of Nest. */
async function callRate(kind: PayloadKind, bytes: number, width: number, forMs: number): Promise<number> {
  const data = payloadOf(kind, bytes);
  const call = (): Promise<unknown> => broker.call<unknown, { data: unknown }>('bench.echo', { data });
  checkEcho(await call(), data);
  return rateOf(width, forMs, call);
}

serve('', { callRate });

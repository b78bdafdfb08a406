import 'reflect-metadata';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { rateOf } from './load.js';
import { checkEcho, payloadOf, type PayloadKind } from './payload.js';
import { serve } from './serve.js';

const client = ClientProxyFactory.create({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: Number(process.env['PORT']) },
});
await client.connect();

/** Request and response. Its messages are JSON, which has no bytes. */
async function callRate(kind: PayloadKind, bytes: number, width: number, forMs: number): Promise<number> {
  const data = payloadOf(kind, bytes);
  const call = (): Promise<unknown> => firstValueFrom(client.send<unknown>('echo', data));
  checkEcho(await call(), data);
  return rateOf(width, forMs, call);
}

serve('', { callRate });

import 'reflect-metadata';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { checkLength, rateOf } from './load.js';
import { serve } from './serve.js';

const client = ClientProxyFactory.create({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port: Number(process.env['PORT']) },
});
await client.connect();

/** Request and response with a text of so many bytes: its messages are JSON, which has no bytes. */
async function callRate(bytes: number, width: number, forMs: number): Promise<number> {
  const data = 'x'.repeat(bytes);
  const call = (): Promise<string> => firstValueFrom(client.send<string>('echo', data));
  checkLength(await call(), bytes);
  return rateOf(width, forMs, call);
}

serve('', { callRate });

// A process of the device fleet (sample/01-device-fleet) that finds the others by what its environment says: DISCOVERY is `local`, `dns` (NAME, TYPE, SERVER),
// `file` (FILE), `multicast` (MULTICAST_PORT) or `kubernetes` (API, FOLDER).
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  dns,
  kubernetes,
  localMachine,
  multicast,
  staticPeers,
  SwarmCluster,
  SwarmModule,
  SwarmRegistry,
  type DiscoveryProvider,
} from 'nestjs-swarm';
import { DeviceWorker } from '../../../sample/01-device-fleet/src/devices/device.worker.js';
import { DevicesModule } from '../../../sample/01-device-fleet/src/devices/devices.module.js';
import { serve } from './support/operations.js';

const { env } = process;
const port = Number(env['PORT']);
const secret = env['SECRET'];

function given(name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function discovery(): DiscoveryProvider {
  switch (env['DISCOVERY']) {
    case 'local':
      return localMachine();
    case 'file':
      return staticPeers({ file: given('FILE') });
    case 'multicast':
      return multicast({ port: Number(given('MULTICAST_PORT')) });
    case 'kubernetes':
      return kubernetes({ service: 'api', apiServer: given('API'), folder: given('FOLDER') });
    default: {
      const asked = { name: given('NAME'), servers: [given('SERVER')] };
      return env['TYPE'] === 'SRV' ? dns({ ...asked, type: 'SRV' }) : dns({ ...asked, port });
    }
  }
}

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: given('CLUSTER'),
      node: { host: given('HOST'), port },
      ...(secret !== undefined && { secret }),
      discovery: [discovery()],
    }),
    DevicesModule,
  ],
})
class AppModule {}

// A test run that was killed leaves nobody behind.
process.once('disconnect', () => process.exit(1));

/** The one clock of all processes of the machine, in milliseconds. */
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

const began = now();
const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn', 'log'] });
app.enableShutdownHooks();
const cluster = app.get(SwarmCluster);
const registry = app.get(SwarmRegistry);

const operations = {
  began: () => began,
  nodes: () => cluster.nodes().map(({ id }) => id),
  /** When this node saw so many nodes up, itself included. */
  formed: async (nodes: number) => {
    await cluster.ready({ nodes });
    return now();
  },
  register: async (id: string) => void (await registry.register(id, DeviceWorker, { model: 'L1' })),
  record: (id: string, value: number) => registry.call<number>(id, 'record', value),
};

serve(operations, cluster.self.id);

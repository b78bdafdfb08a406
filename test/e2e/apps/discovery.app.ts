// A node that finds the others by what its environment says: DISCOVERY is `dns` (NAME, TYPE, SERVER) or `file` (FILE).
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { dns, staticPeers, SwarmCluster, SwarmModule, type DiscoveryProvider } from 'nestjs-swarm';
import { serve } from './support/operations.js';

const { CLUSTER = '', HOST = '', PORT = '', DISCOVERY = '', FILE = '', NAME = '', SERVER = '' } = process.env;
const port = Number(PORT);

function discovery(): DiscoveryProvider {
  if (DISCOVERY === 'file') return staticPeers({ file: FILE });
  const asked = { name: NAME, servers: [SERVER] };
  return process.env['TYPE'] === 'SRV' ? dns({ ...asked, type: 'SRV' }) : dns({ ...asked, port });
}

@Module({
  imports: [
    SwarmModule.forRoot({
      cluster: CLUSTER,
      node: { host: HOST, port },
      discovery: [discovery()],
    }),
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

const operations = {
  began: () => began,
  nodes: () => cluster.nodes().map(({ id }) => id),
  /** When this node saw so many nodes up, itself included. */
  formed: async (nodes: number) => {
    await cluster.ready({ nodes });
    return now();
  },
};

serve(operations, cluster.self.id);

import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { AppSwarm } from './support/app-swarm.js';

let swarm: AppSwarm;

afterEach(() => swarm.end());

/** Ports on which nobody listens. */
async function freePorts(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => String((server.address() as AddressInfo).port));
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

it('one reachable peer is enough to find all the others', async () => {
  const [first, second, third, nobody] = await freePorts(4);
  swarm = new AppSwarm();
  await swarm.add({ PORT: first!, PEERS: '' });
  await swarm.add({ PORT: second!, PEERS: `127.0.0.1:${first}` });
  await swarm.add({ PORT: third!, PEERS: `127.0.0.1:${nobody},127.0.0.1:${second}` });
  await swarm.all('ready', 3);
  for (const nodes of await swarm.all<string[]>('nodes')) expect(nodes).toHaveLength(3);
});

it('processes whose peers come up later, or again, find each other', async () => {
  const [first, second] = await freePorts(2);
  swarm = new AppSwarm();
  const early = await swarm.add({ PORT: second!, PEERS: `127.0.0.1:${first}` });
  const seed = await swarm.add({ PORT: first!, PEERS: '' });
  await swarm.all('ready', 2);
  await swarm.kill(seed);
  await swarm.add({ PORT: first!, PEERS: '' });
  await early.ask('ready', 2);
  await swarm.all('ready', 2);
});

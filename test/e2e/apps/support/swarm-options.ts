import { staticPeers, type SwarmModuleOptions } from 'nestjs-swarm';

/** The options of a test application, from the environment that the test gives to its process. */
export function swarmOptions(): SwarmModuleOptions {
  const { CLUSTER: cluster, PORT: port, PEERS: peers, HOSTING: hosting, SECRET: secret } = process.env;
  return {
    cluster: cluster ?? '',
    node: { ...(port && { port: Number(port) }), hosting: hosting !== 'false' },
    ...(secret && { secret }),
    ...(peers !== undefined && { discovery: [staticPeers(peers.split(',').filter(Boolean))] }),
  };
}

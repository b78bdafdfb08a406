export type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
export { localMachine, type LocalMachineOptions } from './local-machine.discovery.js';
export { staticPeers } from './static-peers.discovery.js';

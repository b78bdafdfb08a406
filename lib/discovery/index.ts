export type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
export { dns } from './dns.discovery.js';
export type { DnsOptions, DnsRecordType } from './dns-options.js';
export { localMachine, type LocalMachineOptions } from './local-machine.discovery.js';
export { type PeersFileOptions, staticPeers } from './static-peers.discovery.js';

export type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
export { dns } from './dns.discovery.js';
export type { DnsOptions, DnsRecordType } from './dns-options.js';
export { kubernetes } from './kubernetes.discovery.js';
export type { KubernetesOptions } from './kubernetes-options.js';
export { localMachine, type LocalMachineOptions } from './local-machine.discovery.js';
export { multicast } from './multicast.discovery.js';
export type { MulticastOptions } from './multicast-options.js';
export { type PeersFileOptions, staticPeers } from './static-peers.discovery.js';

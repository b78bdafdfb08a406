export type {
  Answer,
  CallOptions,
  HandlerOf,
  MessageArgs,
  RegisterArgs,
  StartArgs,
} from './message-types.js';
export type { RegistryFilter } from './registry-filter.js';
export { SwarmCluster } from './swarm-cluster.service.js';
export { type MemberOutcome, SwarmGroups } from './swarm-groups.service.js';
export { SwarmRegistry } from './swarm-registry.service.js';
export type { WorkerRef } from './worker-ref.interface.js';

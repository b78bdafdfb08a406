export type { NodeStatus } from './cluster/member.js';
export { OnHandoff, SwarmWorker } from './decorators/index.js';
export type { SwarmWorkerOptions } from './workers/swarm-worker.options.js';
export {
  dns,
  type DnsOptions,
  type DnsRecordType,
  kubernetes,
  type KubernetesOptions,
  localMachine,
  multicast,
  type MulticastOptions,
  type PeersFileOptions,
  staticPeers,
} from './discovery/index.js';
export type { DiscoveryContext, DiscoveryProvider } from './discovery/discovery-provider.interface.js';
export type { SwarmTlsOptions } from './transport/tcp/tls.options.js';
export {
  type DistributionStrategy,
  type PlaceableNode,
  type Placement,
  ring,
  staticQuorumRing,
  type StaticQuorumRingOptions,
} from './distribution/index.js';
export {
  AlreadyRegisteredError,
  CallTimeoutError,
  type HolderRef,
  InvalidNameError,
  LinkOverloadedError,
  MailboxFullError,
  NodeUnavailableError,
  NoNodeAvailableError,
  NotStartedError,
  OperationTimeoutError,
  PayloadTooLargeError,
  RemoteError,
  type RemoteFailure,
  ShuttingDownError,
  SwarmConfigurationError,
  SwarmError,
  UnknownPatternError,
  UnknownWorkerTypeError,
  UnserializableError,
  WorkerNotFoundError,
  WorkerStartError,
  WorkerTypeMismatchError,
} from './errors/index.js';
export type { RegistryEvent, SwarmEvent, SwarmEventContent } from './events/index.js';
export type { DrainReport } from './handoff/drain-report.js';
export type { PlacementExplanation } from './node/placement-explanation.interface.js';
export type { SwarmNode, SwarmSnapshot } from './node/swarm-snapshot.interface.js';
export {
  type Answer,
  type CallOptions,
  type HandlerOf,
  type MemberOutcome,
  type MessageArgs,
  type RegisterArgs,
  type RegistryFilter,
  type StartArgs,
  SwarmCluster,
  SwarmGroups,
  SwarmRegistry,
  type WorkerRef,
} from './services/index.js';
export { SwarmModule } from './swarm.module.js';
export type {
  SwarmDrainOptions,
  SwarmHandoffOptions,
  SwarmModuleOptions,
  SwarmNodeOptions,
  SwarmOptionsFactory,
} from './swarm.options.js';
export type { Address } from './transport/node-info.js';
export type { TransportSnapshot } from './transport/transport.interface.js';
export { HandoffDecision, ignore, restart, resume } from './workers/handoff-decision.js';
export { isSwarmContext } from './workers/is-swarm-context.js';
export type { OnWorkerStart } from './workers/on-worker-start.interface.js';
export type { RestartPolicy } from './workers/restart-policy.js';
export { SwarmContext } from './workers/swarm-context.js';
export { WorkerContext } from './workers/worker-context.js';
export { DieReason } from './workers/worker-definition.interface.js';

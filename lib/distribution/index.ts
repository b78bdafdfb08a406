export { Placements, type Refusal } from './placements.js';
export { quorumWarnings } from './quorum-warnings.js';
export { ring } from './ring.strategy.js';
export { staticQuorumRing, type StaticQuorumRingOptions } from './static-quorum-ring.strategy.js';
export type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

export { ring } from './ring.strategy.js';
export { Placements } from './placements.js';
export type { DistributionStrategy, PlaceableNode, Placement } from './strategy.interface.js';

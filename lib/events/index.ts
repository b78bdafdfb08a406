export { EventLog } from './event-log.js';
export { PlacementHistory, type PlacementNote } from './placement-history.js';
export type { RegistryEvent } from './registry-event.js';
export type { SwarmEvent, SwarmEventContent } from './swarm-event.js';

export { EventLog } from './event-log.js';
export type { RegistryEvent } from './registry-event.js';
export type { SwarmEvent, SwarmEventContent } from './swarm-event.js';

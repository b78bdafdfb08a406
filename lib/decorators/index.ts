export { OnHandoff } from './on-handoff.decorator.js';
export { SwarmWorker } from './swarm-worker.decorator.js';

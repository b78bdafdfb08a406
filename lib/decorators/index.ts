export { OnHandoff } from './on-handoff.decorator.js';
export { SwarmWorker, type SwarmWorkerOptions } from './swarm-worker.decorator.js';

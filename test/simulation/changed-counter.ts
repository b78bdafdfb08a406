import type { WorkerDefinition } from '../../lib/workers/worker-definition.interface.js';
import type { SimulatedApp } from './simulated-swarm.js';
import { simulatedWorkers } from './simulated-worker.js';

/** The worker types of a simulated application, with another `Counter`. `changed`: what is other than in that which it gets. */
export function changedCounter(
  { activations, runtime, key }: SimulatedApp,
  changed: (counter: WorkerDefinition) => Partial<WorkerDefinition>,
): ReadonlyMap<string, WorkerDefinition> {
  const workers = new Map(simulatedWorkers(activations, runtime, key));
  const counter = workers.get('Counter')!;
  workers.set('Counter', { ...counter, ...changed(counter) });
  return workers;
}

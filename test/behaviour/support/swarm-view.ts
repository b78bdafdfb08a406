import type { SwarmEvent } from '../../../lib/events/index.js';
import type { RegistryRow } from '../../../lib/node/kernel.interface.js';
import { unrest } from '../../../lib/testing/settled.js';
import type { SimulatedNode, SimulatedSwarm } from '../../simulation/simulated-swarm.js';

const REST_WITHIN_MS = 60_000;

/** What one node shows of the registry, as something that can be compared: name, node, fence and groups. */
export function registryOf({ kernel }: SimulatedNode): string[] {
  return [...kernel.rows({})].map(rowText).sort();
}

export function rowText({ name, node, fence, groups }: RegistryRow): string {
  return `${name} on ${node}, fence ${fence}, in [${[...groups].sort().join(', ')}]`;
}

export function namesOf({ kernel }: SimulatedNode): string[] {
  return [...kernel.rows({})].map(({ name }) => name).sort();
}

export function membersOf({ kernel }: SimulatedNode, group: string): string[] {
  return kernel
    .members(group)
    .map(({ name }) => name)
    .sort();
}

/** Registrations that wait: for a quorum, for their next start, or for a node that may host them. */
export function parkedAt({ kernel }: SimulatedNode): number {
  return kernel.inspect().rows.reduce((sum, { parked, orphaned }) => sum + parked + orphaned, 0);
}

export function call(
  swarm: SimulatedSwarm,
  { kernel }: SimulatedNode,
  name: string,
  pattern: string,
  data?: unknown,
): Promise<unknown> {
  return swarm.settle(kernel.call(name, { pattern, data, timeoutMs: undefined, chain: [] }));
}

/** The error that `work` rejects with. */
export async function failureOf(swarm: SimulatedSwarm, work: Promise<unknown>): Promise<unknown> {
  return swarm.settle(
    work.then(
      (value) => {
        throw new Error(`it did not fail: ${JSON.stringify(value)}`);
      },
      (error: unknown) => error,
    ),
  );
}

/** Virtual time passes until the condition holds; fails with the story of the swarm if it does not. */
export async function until(
  swarm: SimulatedSwarm,
  what: string,
  condition: () => boolean,
  timeoutMs = 30_000,
): Promise<void> {
  if (await swarm.scheduler.runUntil(condition, timeoutMs)) return;
  throw new Error(`not within ${timeoutMs} ms of virtual time: ${what}\n${storyOf(swarm)}`);
}

/** One swarm at rest: nothing is under way on any node, nor about to be, and all hold the same of every log. */
export async function untilAtRest(swarm: SimulatedSwarm): Promise<void> {
  const kernels = swarm.alive.map(({ kernel }) => kernel);
  const deadline = swarm.now + REST_WITHIN_MS;
  for (let reason: string | undefined; swarm.now < deadline;) {
    await swarm.scheduler.runUntil(() => (reason = unrest(kernels)) === undefined, REST_WITHIN_MS);
    if (reason !== undefined) throw new Error(`not at rest: ${reason}\n${storyOf(swarm)}`);
    const at = swarm.now;
    await swarm.settle(Promise.all(kernels.map((kernel) => kernel.settled({}))));
    if (swarm.now === at) return;
  }
  throw new Error(`never at rest\n${storyOf(swarm)}`);
}

/** What happens on a node from now on. */
export function eventsOf({ kernel }: SimulatedNode): SwarmEvent[] {
  const events: SwarmEvent[] = [];
  kernel.onEvent((event) => void events.push(event));
  return events;
}

/** Events of one type only. */
export function ofType<T extends SwarmEvent['type']>(
  events: readonly SwarmEvent[],
  type: T,
): Array<Extract<SwarmEvent, { type: T }>> {
  return events.filter((event): event is Extract<SwarmEvent, { type: T }> => event.type === type);
}

export function storyOf(swarm: SimulatedSwarm): string {
  return swarm.story.join('\n');
}

import { handoffMutations } from './handoff.mutations.js';
import { messageMutations } from './message.mutations.js';
import type { Mutation } from './mutation.interface.js';
import { quorumMutations } from './quorum.mutations.js';
import { registryMutations } from './registry.mutations.js';
import { startMutations } from './starts.mutations.js';

/** Every fault that is planted on purpose; each must be noticed by the simulation. */
export const mutations: readonly Mutation[] = [
  ...startMutations,
  ...registryMutations,
  ...handoffMutations,
  ...messageMutations,
  ...quorumMutations,
];

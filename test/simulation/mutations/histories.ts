// The histories in which faults are looked for. Each is determined by its seed, and keeps all promises without a fault.
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { Replicas } from '../../../lib/tracker/replicas.js';
import * as models from '../model/models.js';
import { planOf, type Model } from '../model/promises.js';
import { forgetfulQuorum } from './amnesia.history.js';
import { secondAttempts } from './attempts.history.js';
import { claims } from './claims.history.js';
import { clocksThatDiffer } from './clocks.history.js';
import { deploys } from './deploys.history.js';
import { endsOfFew } from './ends.history.js';
import { floods } from './floods.history.js';
import { halves } from './halves.history.js';
import { lateHandlers } from './handlers.history.js';
import { interruptedMoves } from './interrupted.history.js';
import { replaceMethod } from './mutation.interface.js';
import { slowJoin } from './joining.history.js';
import { brokenLinks } from './order.history.js';
import type { Outcome } from './outcome.js';
import { sightings } from './sightings.history.js';

export interface SimulatedHistory {
  /** What happens in it, as the end of "under …". */
  readonly name: string;
  run(seed: number): Promise<Outcome>;
}

/** Starts, crashes, drains, broken links and short cuts under `ring()`. */
export const gentle: SimulatedHistory = {
  name: 'starts, crashes, drains and broken links',
  run: (seed) => played(models.gentle, seed),
};

/** As `gentle`, with so few names that most operations meet others of the same name. */
export const crowded: SimulatedHistory = {
  name: 'starts, crashes and drains, and few names',
  run: (seed) => played(models.crowded, seed),
};

/** As `gentle`; one batch in five vanishes on a link that stays. Only P6 and P7 are promised then. */
export const gentleWithLostBatches: SimulatedHistory = {
  name: 'starts, crashes, drains and batches that vanish',
  run: (seed) => played(models.lossy, seed),
};

/** As `gentle`; replicas leave out some operations, as by a fault or a flipped bit, and do not notice. */
export const gentleWithFlawedReplicas: SimulatedHistory = {
  name: 'starts, crashes, drains and replicas that leave something out',
  async run(seed) {
    const random = seededRandom(seed);
    const mend = replaceMethod<Replicas, [unknown, unknown], void>(
      Replicas,
      'apply',
      (_, apply, replica, op) => {
        if (random() >= 0.05) apply(replica, op);
      },
    );
    try {
      const { violations, story } = await played(models.gentle, seed);
      return { violations: violations.filter((violation) => /^P[67]/.test(violation)), story };
    } finally {
      mend();
    }
  },
};

/** Partitions, pauses, crashes and drains of nodes that run workers of both kinds, `Once` with a quorum. */
export const rough: SimulatedHistory = {
  name: 'partitions, pauses, crashes and drains',
  run: (seed) => played(models.rough, seed),
};

/** Several nodes want one name at once, or the name of a node that has just died. */
export const contended: SimulatedHistory = {
  name: 'names that several nodes want',
  run: claims,
};

/** A node takes long to join, and names are registered meanwhile. */
export const slowlyJoined: SimulatedHistory = {
  name: 'a node that takes long to join',
  run: slowJoin,
};

/** Nodes join and leave one after the other under constant load. */
export const rolling: SimulatedHistory = {
  name: 'nodes that join and leave under load',
  run: deploys,
};

/** Nodes join under load, and links break in the middle of handoffs. */
export const interrupted: SimulatedHistory = {
  name: 'links that break in the middle of handoffs',
  run: interruptedMoves,
};

/** A worker is moved, and moved elsewhere, and its source dies before the first target hears of it. */
export const movedTwice: SimulatedHistory = {
  name: 'a move that is given up, another, and a crash',
  run: secondAttempts,
};

/** Nodes send many messages to few workers while links break. */
export const crossing: SimulatedHistory = {
  name: 'many messages to few workers over links that break',
  run: brokenLinks,
};

/** More messages are sent to a few workers than they handle. */
export const flooded: SimulatedHistory = {
  name: 'more messages than workers handle',
  run: floods,
};

/** Two halves are cut off from each other, run every name each, and meet again. */
export const split: SimulatedHistory = {
  name: 'a partition that heals',
  run: halves,
};

/** Two of three nodes come back knowing nothing, while the third is cut off. */
export const forgetful: SimulatedHistory = {
  name: 'a quorum that has forgotten everything',
  run: forgetfulQuorum,
};

/** A node is cut off whose clock is as slow as is allowed, from others whose clocks are as fast as is allowed. */
export const drifting: SimulatedHistory = {
  name: 'a slow clock that is cut off from fast ones',
  run: clocksThatDiffer,
};

/** Handlers of a node that is cut off end when their workers have been started elsewhere. */
export const overtaken: SimulatedHistory = {
  name: 'handlers that end when others have taken over',
  run: lateHandlers,
};

/** Names with a quorum are unregistered while their node is cut off from the others that count. */
export const endedApart: SimulatedHistory = {
  name: 'names that end where few hold the end',
  run: endsOfFew,
};

/** A node reads where a worker may move to before it reads where the worker is. */
export const seenEarly: SimulatedHistory = {
  name: 'a move that is read before what it comes from',
  run: sightings,
};

/** A fault may be such that the history cannot go on: then that is a violation too. */
async function played<Kind extends string>(model: Model<Kind>, seed: number): Promise<Outcome> {
  try {
    return await model.play(planOf(model, seed));
  } catch (error) {
    return { violations: [`the history ended early: ${String(error)}`], story: [] };
  }
}

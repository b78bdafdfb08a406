// Faults in copying rows: what keeps the replicas equal (promise P6), and what a dead node has left behind (P4).
import { Forgotten } from '../../../lib/tracker/forgotten.js';
import { OrphanRows } from '../../../lib/tracker/orphan-rows.js';
import { Orphans } from '../../../lib/tracker/orphans.js';
import { OwnStream } from '../../../lib/tracker/own-stream.js';
import { Replicas } from '../../../lib/tracker/replicas.js';
import { FrameKind, type BatchFrame, type HaveFrame, type PingFrame } from '../../../lib/transport/frame.js';
import type { NodeId } from '../../../lib/transport/node-info.js';
import type { Runtime } from '../../../lib/runtime/runtime.interface.js';
import type { Transport } from '../../../lib/transport/transport.interface.js';
import {
  contended,
  crowded,
  gentle,
  gentleWithFlawedReplicas,
  gentleWithLostBatches,
  split,
} from './histories.js';
import { replaceGetter, replaceMethod, type Mutation } from './mutation.interface.js';

/** Longer than a poll: whoever has died meanwhile is given up before. */
const SLOW_TO_APPLY_MS = 1_500;

/** Longer than a repair may take that is lost as well. */
const SLOW_TO_REPAIR_MS = 10_000;

export const registryMutations: readonly Mutation[] = [
  {
    name: 'does not ask for what it has missed of a stream',
    promise: /^P6/,
    history: gentleWithLostBatches,
    withinSeeds: 3,
    plant: () =>
      replaceMethod<Replicas, [unknown, unknown, string], void>(
        Replicas,
        'repair',
        (_, repair, replica, from, why) => {
          if (why !== 'gaps') repair(replica, from, why);
        },
      ),
  },
  {
    name: 'finds every digest equal to its own',
    promise: /^P6/,
    history: gentleWithFlawedReplicas,
    withinSeeds: 3,
    plant: () =>
      replaceMethod<Replicas, [NodeId, PingFrame], void>(
        Replicas,
        'compare',
        (replicas, compare, from, ping) =>
          compare(from, { ...ping, digest: replicas.table(from)?.digest ?? ping.digest }),
      ),
  },
  {
    name: 'acknowledges a batch long before it has applied it',
    promise: /^P[146]/,
    history: gentle,
    firstSeed: 8,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<
        { readonly parts: { readonly runtime: Runtime; readonly transport: Transport } },
        [NodeId, BatchFrame],
        void
      >(Replicas, 'batch', ({ parts: { runtime, transport } }, batch, from, frame) => {
        transport.send(from, { kind: FrameKind.BatchAck, seq: frame.from + frame.ops.length - 1 });
        runtime.after(SLOW_TO_APPLY_MS, () => batch(from, frame));
      }),
  },
  {
    name: 'does not tell a node that has joined what it tracked before',
    promise: /^P1/,
    history: crowded,
    firstSeed: 4,
    withinSeeds: 15,
    plant: () =>
      replaceMethod<OwnStream, [NodeId, HaveFrame, boolean], void>(
        OwnStream,
        'have',
        ({ log }, have, peer, frame, first) => {
          const { incarnation, seq } = log.table;
          have(peer, first ? { ...frame, incarnation, seq } : frame, first);
        },
      ),
  },
  {
    name: 'forgets the rows of a node that has died',
    promise: /^P4/,
    history: gentle,
    firstSeed: 9,
    withinSeeds: 6,
    plant: () => replaceMethod(OrphanRows, 'outlives', () => false),
  },
  {
    name: 'gives names away before it is known what a dead node has left behind',
    promise: /^P[14]/,
    history: contended,
    firstSeed: 4,
    withinSeeds: 20,
    plant: () => replaceGetter(Orphans, 'isSettled', () => true),
  },
  {
    name: 'does not remember which registrations have ended',
    promise: /was unregistered and is back/,
    history: split,
    withinSeeds: 10,
    plant: () => replaceMethod(Forgotten, 'has', () => false),
  },
  {
    name: 'takes its time to ask for what it has missed of a stream',
    promise: /^P6: for \d+ ms nothing was under way/,
    history: gentleWithLostBatches,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<{ readonly parts: { readonly runtime: Runtime } }, [unknown, unknown, string], void>(
        Replicas,
        'repair',
        ({ parts: { runtime } }, repair, replica, from, why) =>
          void runtime.after(SLOW_TO_REPAIR_MS, () => repair(replica, from, why)),
      ),
  },
  {
    name: 'goes on to show what has moved where it was, when it has read where it is',
    promise: /is no member since/,
    history: gentle,
    withinSeeds: 60,
    plant: () => replaceMethod(Replicas, 'contested', () => undefined),
  },
];

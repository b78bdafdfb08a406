// Faults in moving, conflicts and draining: what keeps a worker's state, and the calls to it (promises P1, P3, P5).
import { Arrivals } from '../../../lib/handoff/arrivals.js';
import { Conflicts } from '../../../lib/handoff/conflicts.js';
import { Drain } from '../../../lib/handoff/drain.js';
import { Moves } from '../../../lib/handoff/moves.js';
import { Rebalancer } from '../../../lib/handoff/rebalancer.js';
import * as registryIndex from '../../../lib/tracker/registry-index.js';
import { Row } from '../../../lib/tracker/row.js';
import { LocalWorkerHost } from '../../../lib/workers/local-worker.host.js';
import type { DieReason } from '../../../lib/workers/worker-definition.interface.js';
import type { EndedWorker } from '../../../lib/workers/worker-host.interface.js';
import { gentle, interrupted, movedTwice, rolling, seenEarly, split } from './histories.js';
import { replaceFunction, replaceGetter, replaceMethod, type Mutation } from './mutation.interface.js';

export const handoffMutations: readonly Mutation[] = [
  {
    name: 'ends a worker that moves before its target has said that it is ready',
    promise: /^P5/,
    history: interrupted,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<
        { commit(move: unknown): void; isOpen(move: unknown): boolean },
        [unknown, unknown],
        void
      >(Moves, 'prepare', (moves, prepare, move, state) => {
        prepare(move, state);
        if (moves.isOpen(move)) moves.commit(move);
      }),
  },
  {
    name: 'lets a worker that has arrived begin before its source has let go of it',
    promise: /^P[15]/,
    history: interrupted,
    withinSeeds: 10,
    plant: () => replaceMethod(Arrivals, 'isDecided', () => true),
  },
  {
    name: 'lets a worker go on that has moved away',
    promise: /^P1/,
    history: rolling,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<LocalWorkerHost, [string, DieReason, boolean | undefined], EndedWorker>(
        LocalWorkerHost,
        'end',
        (host, end, name, reason, endsName) => {
          if (reason !== 'moved' && reason !== 'drained') return end(name, reason, endsName);
          host.resume(name);
          return { waiting: [], ended: Promise.resolve() };
        },
      ),
  },
  {
    name: 'never asks what its source has decided about a worker',
    promise: /^P5/,
    history: interrupted,
    withinSeeds: 10,
    plant: () => replaceMethod(Arrivals, 'ask', () => undefined),
  },
  {
    name: 'goes on with what it has moved under the fence of before',
    promise: /^P1/,
    history: interrupted,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<{ readonly parts: unknown }, [{ fence: number | undefined }, unknown], void>(
        Moves,
        'goOn',
        (_, goOn, move, outcome) => {
          const { fence } = move;
          move.fence = undefined;
          goOn(move, outcome);
          move.fence = fence;
        },
      ),
  },
  {
    name: 'begins what its source took back before it died',
    promise: /^P1/,
    history: movedTwice,
    withinSeeds: 3,
    plant: () => replaceMethod(Arrivals, 'isSuperseded', () => false),
  },
  {
    name: 'shows a worker where it may move to when it has not read where it is',
    promise: /^whereis/,
    history: seenEarly,
    withinSeeds: 5,
    plant: () => replaceGetter<Row, boolean>(Row, 'isListed', ({ isShown }) => isShown),
  },
  {
    name: 'decides a conflict by which row it has read last, and not by the fences',
    promise: /^P3/,
    history: split,
    withinSeeds: 10,
    plant() {
      const order = new WeakMap<Row, number>();
      let rows = 0;
      replaceMethod<registryIndex.RegistryIndex, [Row], void>(
        registryIndex.RegistryIndex,
        'add',
        (_, add, row) => {
          order.set(row, ++rows);
          add(row);
        },
      );
      replaceFunction<[Row, Row], boolean>(
        registryIndex,
        'winsConflict',
        (_, a, b) => (order.get(a) ?? 0) > (order.get(b) ?? 0),
      );
    },
  },
  {
    name: 'keeps the state of a worker that gives way',
    promise: /^P3/,
    history: split,
    withinSeeds: 10,
    plant: () => replaceMethod(Conflicts, 'offer', () => Promise.resolve(true)),
  },
  {
    name: 'leaves before all have read what has become of its workers, and have said their last',
    promise: /^P5/,
    history: rolling,
    withinSeeds: 10,
    plant: () => replaceMethod(Drain, 'farewell', () => Promise.resolve()),
  },
  {
    name: 'does not look where its workers belong when the view has changed',
    promise: /misplaced|belongs to/,
    history: gentle,
    withinSeeds: 3,
    plant: () => replaceMethod(Rebalancer, 'scan', () => undefined),
  },
];

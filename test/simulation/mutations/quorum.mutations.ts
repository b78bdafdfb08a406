// Faults in leases and fencing: what keeps an older activation from beginning anything once a newer one has (promise P2).
import { Establishment } from '../../../lib/cluster/establishment.js';
import { Fencing } from '../../../lib/cluster/fencing.js';
import type { Member } from '../../../lib/cluster/member.js';
import { Membership } from '../../../lib/cluster/membership.js';
import * as quorum from '../../../lib/cluster/quorum-bound.js';
import { OwnStream } from '../../../lib/tracker/own-stream.js';
import type { Refusal } from '../../../lib/transport/node-info.js';
import { Activation } from '../../../lib/workers/activation.js';
import { Gate } from '../../../lib/workers/gate.js';
import * as standing from '../../../lib/workers/standing.js';
import { drifting, endedApart, forgetful, overtaken, rough } from './histories.js';
import { replaceFunction, replaceGetter, replaceMethod, type Mutation } from './mutation.interface.js';

export const quorumMutations: readonly Mutation[] = [
  {
    name: 'does not look at its lease before a message',
    promise: /^P2: .* began a message/,
    history: rough,
    withinSeeds: 4,
    plant: () => replaceMethod(Gate, 'admits', () => true),
  },
  {
    name: 'does not look at its lease when a handler has ended',
    promise: /^P2: .* accepted an answer/,
    history: overtaken,
    withinSeeds: 3,
    plant: () => replaceFunction(standing, 'whyVoid', () => undefined),
  },
  {
    name: 'lets a handler send when another activation may be at work',
    promise: /^P2: .* acted under/,
    history: rough,
    withinSeeds: 68,
    plant: () => replaceMethod(Activation, 'assertMayAct', () => undefined),
  },
  {
    name: 'has the end of a name held by nodes that do not count for its quorum',
    promise: /^P2, P4: .* was unregistered, and answers/,
    history: endedApart,
    withinSeeds: 3,
    plant: () =>
      replaceMethod<OwnStream, [number, string | undefined, () => void, number], () => void>(
        OwnStream,
        'whenHeld',
        (_, whenHeld, acks, except, done, least) => whenHeld(acks, except, done, least),
      ),
  },
  {
    name: 'takes all clocks to be right while it waits for a lease to end',
    promise: /^P2/,
    history: drifting,
    withinSeeds: 20,
    plant: () =>
      replaceMethod<
        { readonly parts: { readonly leaseMs: number } },
        [string, number, Member, number, number],
        void
      >(Fencing, 'vote', ({ parts: { leaseMs } }, vote, id, incarnation, voter, ackedAgoMs, seq) =>
        vote(id, incarnation, voter, ackedAgoMs + 0.02 * leaseMs, seq),
      ),
  },
  {
    name: 'does not wait for the lease of a node that is fenced',
    promise: /^P2/,
    history: drifting,
    withinSeeds: 20,
    plant: () =>
      replaceMethod<Fencing, [string, number, Member, number, number], void>(
        Fencing,
        'vote',
        (_, vote, id, incarnation, voter, _ackedAgoMs, seq) => vote(id, incarnation, voter, Infinity, seq),
      ),
  },
  {
    name: 'takes a lost node for ended at once',
    promise: /^P2: .* began a message/,
    history: rough,
    withinSeeds: 3,
    plant: () => replaceMethod(Fencing, 'mayRelease', () => true),
  },
  {
    name: 'takes over when fewer than a quorum have fenced',
    promise: /^P2/,
    history: rough,
    firstSeed: 54,
    withinSeeds: 37,
    plant: () => plantSmallerQuorum(),
  },
  {
    name: 'votes to fence a node and goes on to acknowledge it',
    promise: /^P2/,
    history: rough,
    withinSeeds: 8,
    plant() {
      replaceMethod<Membership, [unknown], Omit<Refusal, 'about'> | undefined>(
        Membership,
        'refusalOf',
        (_, refusalOf, node) => {
          const refusal = refusalOf(node);
          return refusal?.code === 'fenced' ? undefined : refusal;
        },
      );
      replaceMethod(Membership, 'hasFenced', () => undefined);
      replaceMethod(Fencing, 'fencedList', () => []);
    },
  },
  {
    name: 'gives a lease before it knows what an earlier process under its id has given',
    promise: /^P2/,
    history: forgetful,
    withinSeeds: 15,
    plant: () => replaceGetter(Establishment, 'isReached', () => true),
  },
  {
    name: 'lets more nodes count than its quorum fits',
    promise: /^P2/,
    history: rough,
    firstSeed: 56,
    withinSeeds: 5,
    plant: () =>
      replaceFunction<Parameters<typeof quorum.quorumBound>, quorum.QuorumBound>(
        quorum,
        'quorumBound',
        (quorumBound, ...args) => {
          const bound = quorumBound(...args);
          return { ...bound, members: [...bound.members, ...bound.beyond], beyond: [] };
        },
      ),
  },
];

/** One voter is enough to release what a missing node runs; everything else is as it was. */
function plantSmallerQuorum(): void {
  let releasing = false;
  replaceMethod<Fencing, [unknown, string], boolean>(
    Fencing,
    'mayRelease',
    (_, mayRelease, missing, type) => {
      releasing = true;
      try {
        return mayRelease(missing, type);
      } finally {
        releasing = false;
      }
    },
  );
  replaceMethod<
    { readonly parts: { readonly members: { readonly self: Member } } },
    [string],
    quorum.QuorumBound
  >(Fencing, 'boundOf', ({ parts }, boundOf, type) =>
    releasing ? { ...boundOf(type), size: 1, members: [parts.members.self], beyond: [] } : boundOf(type),
  );
  replaceMethod(Fencing, 'isQuorum', () => true);
}

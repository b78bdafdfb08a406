// Faults in joining and starting: what keeps a name from living twice (promise P1), and a registration alive (P4).
import { JoinBarrier } from '../../../lib/cluster/join-barrier.js';
import { Membership } from '../../../lib/cluster/membership.js';
import type { PingFrame } from '../../../lib/transport/frame.js';
import type { Hello, NodeId } from '../../../lib/transport/node-info.js';
import { Arbiter } from '../../../lib/registration/arbiter.js';
import { Copies } from '../../../lib/registration/copies.js';
import { Starts } from '../../../lib/registration/starts.js';
import { OwnRows } from '../../../lib/tracker/own-rows.js';
import { OwnStream } from '../../../lib/tracker/own-stream.js';
import { RowStatus, type Row, type RowContent } from '../../../lib/tracker/row.js';
import type { Feed } from '../../../lib/tracker/feed.js';
import { contended, crowded, gentle, rough, slowlyJoined } from './histories.js';
import { replaceGetter, replaceMethod, type Mutation } from './mutation.interface.js';

export const startMutations: readonly Mutation[] = [
  {
    name: 'does not wait at the join barrier',
    promise: /^P1/,
    history: gentle,
    firstSeed: 4,
    withinSeeds: 16,
    plant: () => replaceMethod(JoinBarrier, 'isOpen', () => true),
  },
  {
    name: 'answers a registration before another node holds its row',
    promise: /^P4/,
    history: gentle,
    firstSeed: 9,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<Copies, Parameters<Copies['whenHeld']>, void>(
        Copies,
        'whenHeld',
        (_, __, ...[, , , done]) => done(),
      ),
  },
  {
    name: 'answers of a registration that a quorum does not hold yet',
    promise: /is not linearizable/,
    history: rough,
    firstSeed: 7950,
    withinSeeds: 1,
    plant: () => replaceMethod(Starts, 'acknowledged', () => Promise.resolve()),
  },
  {
    name: 'takes what was written to a link for held at its other end',
    promise: /^P4/,
    history: gentle,
    firstSeed: 9,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<
        { readonly feeds: ReadonlyMap<NodeId, Feed> },
        [{ readonly seq: number; readonly acks: number }],
        boolean
      >(
        OwnStream,
        'isHeld',
        ({ feeds }, isHeld, waiter) =>
          isHeld(waiter) ||
          [...feeds.values()].filter((feed) => feed.hasSent(waiter.seq)).length >= waiter.acks,
      ),
  },
  {
    name: 'starts a worker that its arbiter has not given it',
    promise: /^P1/,
    history: contended,
    withinSeeds: 5,
    plant: () => replaceMethod(Starts, 'askFor', () => Promise.resolve('granted')),
  },
  {
    name: 'shows the row of a worker only when its start has ended',
    promise: /^P1/,
    history: crowded,
    firstSeed: 36,
    withinSeeds: 5,
    plant() {
      replaceMethod<OwnRows, [RowContent], Row>(OwnRows, 'track', (_, track, content) =>
        track({
          ...content,
          status: content.status === RowStatus.starting ? RowStatus.claiming : content.status,
        }),
      );
      replaceMethod<OwnRows, [Row, RowStatus], void>(OwnRows, 'setStatus', (_, setStatus, row, status) => {
        if (status !== RowStatus.starting) setStatus(row, status);
      });
    },
  },
  {
    name: 'as an arbiter forgets to whom it has given a name',
    promise: /^P1/,
    history: contended,
    withinSeeds: 5,
    plant: () => replaceMethod(Arbiter, 'activeGrant', () => undefined),
  },
  {
    name: 'takes a new process under the id of an old one for the old one',
    promise: /^P[146]/,
    history: gentle,
    firstSeed: 6,
    withinSeeds: 4,
    plant() {
      const first = new Map<string, number>();
      replaceMethod<Membership, [Hello], void>(Membership, 'linkOpened', ({ members }, linkOpened, hello) => {
        const link = `${members.self.info.id} ${members.self.info.firstIncarnation} ${hello.node.id}`;
        const incarnation = first.get(link) ?? hello.node.incarnation;
        first.set(link, incarnation);
        linkOpened({ ...hello, node: { ...hello.node, incarnation } });
      });
      replaceMethod<Membership, [NodeId, PingFrame], void>(
        Membership,
        'ping',
        ({ members }, ping, from, frame) =>
          ping(from, { ...frame, incarnation: members.get(from)?.info.incarnation ?? frame.incarnation }),
      );
    },
  },
  {
    name: 'starts nothing while another node joins',
    promise: /^P8/,
    history: slowlyJoined,
    withinSeeds: 10,
    plant: () =>
      replaceGetter<Membership, boolean>(Membership, 'mayStart', ({ members }, mayStart) => {
        const isJoining = [...members.peers()].some(({ status }) => status === 'joining');
        return !isJoining && mayStart();
      }),
  },
];

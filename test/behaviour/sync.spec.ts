// The original's trackers agree in a conversation of two, in which both stand still. Here each node tells every other
// what it holds of its log, on each new link, and gets what it lacks; nobody waits. What the original asserts of its
// tracker's inner state is asserted here of what is seen from outside.
import { describe, expect, it } from 'vitest';
import { FrameKind } from '../../lib/transport/frame.js';
import { type SimulatedNode, SimulatedSwarm } from '../simulation/simulated-swarm.js';
import { trackers } from '../unit/tracker/support/tracker-node.js';
import { Recorder } from './support/recorded-workers.js';
import { ScriptedPeer, track, untrack, update, wireRow } from './support/scripted-peer.js';
import { seeds } from '../support/seeds.js';
import { call, membersOf, namesOf, storyOf, until, untilAtRest } from './support/swarm-view.js';

/** As long as a node starts nothing new when a link opens and the rows of the other do not come. */
const POLL_MS = 500;

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly node: SimulatedNode;
  readonly peer: ScriptedPeer;
  readonly recorder: Recorder;
}

/** One node, which is up, and a peer that is not linked with it yet. */
async function alone(): Promise<Scene> {
  const recorder = new Recorder();
  const swarm = new SimulatedSwarm({ seed: 1, definitions: recorder.definitions({ type: 'Worker' }) });
  await swarm.form(1);
  const node = swarm.nodes[0]!;
  return { swarm, node, peer: new ScriptedPeer(swarm, node), recorder };
}

/** The link breaks and comes back, with all that is said then. */
async function linkAgain({ swarm, peer }: Scene): Promise<void> {
  const before = peer.of(FrameKind.Adopted).length;
  peer.break();
  await until(swarm, 'they are linked again', () => peer.of(FrameKind.Adopted).length > before);
  await swarm.advance(100);
}

/** Names by the halves in which they are older after a split of two nodes, and what the workers there have counted. */
interface Split extends Omit<Scene, 'peer'> {
  readonly other: SimulatedNode;
  readonly names: { readonly local: readonly string[]; readonly remote: readonly string[] };
}

/**
 * Each of two nodes, which do not hear each other for long, runs all names. A worker that was there before the split
 * has counted 3, one that was started in it 10; then the nodes meet.
 */
async function split(seed: number): Promise<Split> {
  const recorder = new Recorder();
  const swarm = new SimulatedSwarm({ seed, definitions: recorder.definitions({ type: 'Worker' }) });
  await swarm.form(2);
  const [node, other] = [swarm.nodes[0]!, swarm.nodes[1]!];
  const names = Array.from({ length: 8 }, (_, index) => `name-${index}`);
  await swarm.settle(
    Promise.all(names.map((name) => node.kernel.register(name, 'Worker', { joins: ['all'] }, {}))),
  );
  await untilAtRest(swarm);
  const homes = new Map(names.map((name) => [name, node.kernel.lookup(name)!.node]));
  for (const name of names) await call(swarm, node, name, 'add', 3);
  swarm.network.cut(node.key, other.key);
  await until(swarm, 'each runs every name', () =>
    [node, other].every(({ kernel }) => [...kernel.rows({ node: kernel.self.id })].length === names.length),
  );
  for (const side of [node, other]) {
    for (const name of names) {
      if (homes.get(name) !== side.kernel.self.id) await call(swarm, side, name, 'add', 10);
    }
  }
  swarm.network.heal();
  await until(swarm, 'each name runs once', () => names.every((name) => recorder.living(name).length === 1));
  await untilAtRest(swarm);
  const local = names.filter((name) => homes.get(name) === node.kernel.self.id);
  const remote = names.filter((name) => homes.get(name) === other.kernel.self.id);
  expect(Math.min(local.length, remote.length), `seed ${seed}`).toBeGreaterThan(0);
  return { swarm, node, other, recorder, names: { local, remote } };
}

describe(':sync', () => {
  it('should set the sync node and ref and keep the tracker clock: a node goes on working while it syncs, and its stamps go on', async () => {
    const { swarm, node, peer } = await alone();
    const before = await swarm.settle(node.kernel.register('before', 'Worker', undefined, {}));
    // The first part of its rows comes, the rest does not.
    const slice = { kind: FrameKind.Snapshot, incarnation: peer.info.incarnation, seq: 2 } as const;
    peer.answer = () => peer.send({ ...slice, first: true, last: false, rows: [wireRow('remote-1')] });
    await peer.link();
    await until(swarm, 'the first part is read', () => node.kernel.lookup('remote-1') !== undefined);
    const linkedAt = swarm.now;
    expect(await call(swarm, node, 'before', 'add', 1), 'calls are served').toBe(1);
    expect(namesOf(node), 'so are reads').toEqual(['before', 'remote-1']);
    const during = await swarm.settle(node.kernel.register('during', 'Worker', undefined, {}));
    expect(swarm.now - linkedAt, 'so are registrations, after a bounded time').toBeLessThan(POLL_MS + 100);
    expect(during.fence).toBeGreaterThan(before.fence);
    peer.send({ ...slice, first: false, last: true, rows: [wireRow('remote-2')] });
    peer.adopt();
    await swarm.settle(node.kernel.settled({}));
    expect(namesOf(node)).toEqual(['before', 'during', 'remote-1', 'remote-2']);
  });

  it('should add missing registration', async () => {
    const { swarm, node, peer } = await alone();
    await swarm.settle(node.kernel.register('own', 'Worker', undefined, {}));
    peer.say(track(wireRow('remote', { groups: ['g'] })), track(wireRow('gone')), untrack('gone'));
    await peer.link();
    await until(swarm, 'its rows are read', () => node.kernel.count() === 2);
    expect(namesOf(node)).toEqual(['own', 'remote']);
    expect(membersOf(node, 'g')).toEqual(['remote']);
    await until(swarm, 'it is told of the own row', () => peer.of(FrameKind.Adopted).length === 1);
    const told = peer.received.flatMap((frame) => {
      if (frame.kind === FrameKind.Snapshot) return frame.rows.map(([name]) => name);
      if (frame.kind === FrameKind.Batch) return frame.ops.flatMap((op) => (op[0] === 0 ? op[1][0] : []));
      return [];
    });
    expect([...new Set(told)], 'and in the other direction').toEqual(['own']);
  });

  it('beyond the original: what has ended meanwhile is gone', async () => {
    const scene = await alone();
    const { swarm, node, peer } = scene;
    peer.say(track(wireRow('remote', { groups: ['g'] })), track(wireRow('stays')));
    await peer.link();
    await until(swarm, 'its rows are read', () => node.kernel.count() === 2);
    // It has come so far since that it says what it has, instead of what has changed.
    peer.answer = () => {
      const rows = [wireRow('stays'), wireRow('new')];
      const { incarnation } = peer.info;
      peer.send({ kind: FrameKind.Snapshot, incarnation, seq: 100_000, first: true, last: true, rows });
      peer.adopt();
    };
    await linkAgain(scene);
    expect(namesOf(node)).toEqual(['new', 'stays']);
    expect(node.kernel.groups()).toEqual([]);
  });

  it('with same pid and remote clock dominates should update the meta', async () => {
    const scene = await alone();
    const { node, peer } = scene;
    peer.say(track(wireRow('remote', { groups: ['old'] })));
    await peer.link();
    await scene.swarm.advance(100);
    expect(membersOf(node, 'old')).toEqual(['remote']);
    peer.answer = () => undefined;
    peer.break();
    peer.say(update('remote', ['new']));
    peer.answer = ({ incarnation, seq }) => {
      expect([incarnation, seq], 'it says how far it has read').toEqual([peer.info.incarnation, 1]);
      peer.sendBatch(2, [update('remote', ['new'])]);
      peer.adopt();
    };
    await until(scene.swarm, 'it has read on', () => membersOf(node, 'new').length > 0);
    expect(node.kernel.groups()).toEqual(['new']);
  });

  it('with same pid and local clock dominates should ignore entry: an outdated copy does not come back to its writer', async () => {
    const { runtime, nodes } = trackers(2);
    const [writer, reader] = [nodes[0]!, nodes[1]!];
    const row = writer.track('lamp', { groups: ['old'] });
    runtime.pass(1);
    writer.unlinkFrom(reader);
    writer.rows.setGroups(row, ['new']);
    runtime.pass(1);
    expect(reader.index.get('lamp')?.groups).toEqual(['old']);
    writer.linkTo(reader);
    runtime.pass(1);
    for (const { index } of [writer, reader]) expect(index.get('lamp')?.groups).toEqual(['new']);
    expect(writer.index.all('lamp')).toEqual([row]);
  });

  it('with same pid and clock should ignore entry: where a copy of the same age differs, the writer is right', async () => {
    const { runtime, nodes } = trackers(2);
    const [writer, reader] = [nodes[0]!, nodes[1]!];
    const row = writer.track('lamp', { groups: ['true'] });
    runtime.pass(1);
    const table = reader.replicas.table(writer.id)!;
    const copy = table.get('lamp')!;
    reader.index.alter(copy, () => table.update(copy, copy.status, ['false']));
    expect(table.seq, 'of the same age').toBe(writer.stream.log.table.seq);
    writer.ping();
    runtime.pass(1);
    for (const { index } of [writer, reader]) expect(index.get('lamp')?.groups).toEqual(['true']);
    expect(writer.index.get('lamp')).toBe(row);
    // The same once more, with nothing to set right: nothing is sent, nobody is told of a change.
    const [sent, changes] = [writer.transport.of(FrameKind.Snapshot).length, reader.changes.length];
    writer.ping();
    runtime.pass(1);
    expect(writer.transport.of(FrameKind.Snapshot)).toHaveLength(sent);
    expect(reader.changes).toHaveLength(changes);
  });

  it('with same pid and concurrent changes should merge data', async () => {
    for (const seed of seeds(10)) {
      const recorder = new Recorder();
      const swarm = new SimulatedSwarm({ seed, definitions: recorder.definitions({ type: 'Worker' }) });
      await swarm.form(3);
      const [first, second, third] = [swarm.nodes[0]!, swarm.nodes[1]!, swarm.nodes[2]!];
      await swarm.settle(first.kernel.register('lamp', 'Worker', undefined, {}));
      await untilAtRest(swarm);
      // Nobody hears anybody, for less time than makes anyone suspicious.
      const nodes = [first, second, third];
      for (const one of nodes)
        for (const other of nodes) if (one !== other) swarm.network.cut(one.key, other.key);
      const joins = nodes.map(({ kernel }, index) => kernel.joinGroup(`group-${index}`, 'lamp'));
      await swarm.advance(1_000);
      swarm.network.heal();
      await swarm.settle(Promise.all(joins));
      await untilAtRest(swarm);
      for (const { kernel } of nodes) {
        const groups = [...(kernel.lookup('lamp')?.groups ?? [])].sort();
        expect(groups, `seed ${seed}\n${storyOf(swarm)}`).toEqual(['group-0', 'group-1', 'group-2']);
      }
    }
  });

  it('with different pid and local clock dominates should kill remote pid', async () => {
    for (const seed of seeds(5)) {
      const { swarm, node, other, recorder, names } = await split(seed);
      for (const name of names.local) {
        const story = `seed ${seed}, ${name}\n${storyOf(swarm)}`;
        expect(recorder.living(name), story).toEqual([node.kernel.self.id]);
        const ends = recorder.ended.filter((end) => end.name === name);
        expect(ends, story).toMatchObject([{ node: other.kernel.self.id, reason: 'conflict' }]);
        expect(await call(swarm, other, name, 'total'), `both states, ${story}`).toBe(13);
      }
      expect(membersOf(node, 'all')).toEqual(membersOf(other, 'all'));
      expect(membersOf(node, 'all')).toHaveLength(8);
    }
  });

  it('with different pid and remote clock dominates should kill local pid', async () => {
    for (const seed of seeds(5)) {
      const { swarm, node, other, recorder, names } = await split(seed);
      for (const name of names.remote) {
        const story = `seed ${seed}, ${name}\n${storyOf(swarm)}`;
        expect(recorder.living(name), story).toEqual([other.kernel.self.id]);
        const ends = recorder.ended.filter((end) => end.name === name);
        expect(ends, story).toMatchObject([{ node: node.kernel.self.id, reason: 'conflict' }]);
        expect(await call(swarm, node, name, 'total'), `both states, ${story}`).toBe(13);
      }
    }
  });

  it('beyond the original: the worker that stays after a split has a fence above all that either side has used', async () => {
    for (const seed of seeds(5)) {
      const { swarm, node, recorder, names } = await split(seed);
      for (const name of [...names.local, ...names.remote]) {
        const used = recorder.begun.filter((begun) => begun.name === name).map(({ fence }) => fence);
        const story = `seed ${seed}, ${name}\n${storyOf(swarm)}`;
        expect(used, story).toHaveLength(2);
        // Else what is outside, and has seen the other, would refuse this one for ever.
        expect(await call(swarm, node, name, 'fence'), story).toBeGreaterThanOrEqual(Math.max(...used));
      }
    }
  });
});

describe(':sync_recv', () => {
  it('should reply with an ack, drop the pending sync request of the node and track: whoever asks twice is answered, and both come to rest', async () => {
    const scene = await alone();
    const { swarm, node, peer } = scene;
    await swarm.settle(node.kernel.register('own', 'Worker', undefined, {}));
    peer.say(track(wireRow('remote-1')), track(wireRow('remote-2')));
    // The link breaks in the middle of what the peer has to say.
    let asked = 0;
    const slice = { kind: FrameKind.Snapshot, incarnation: peer.info.incarnation, seq: 2 } as const;
    peer.answer = () => {
      asked++;
      peer.send({ ...slice, first: true, last: false, rows: [wireRow('remote-1')] });
    };
    await peer.link();
    await until(swarm, 'the first part is read', () => node.kernel.count() === 2);
    peer.answer = ({ seq }) => {
      asked++;
      expect(seq, 'what was read in part does not count').toBe(0);
      peer.send({ ...slice, first: true, last: true, rows: [wireRow('remote-1'), wireRow('remote-2')] });
      peer.adopt();
    };
    await linkAgain(scene);
    expect(asked).toBe(2);
    await swarm.settle(node.kernel.settled({}));
    expect(namesOf(node)).toEqual(['own', 'remote-1', 'remote-2']);
    expect(peer.of(FrameKind.BatchAck).at(-1)?.seq, 'it has said that it holds them').toBe(2);
    // Nothing is left of the first question: the next registration is started at once.
    const at = swarm.now;
    await swarm.settle(node.kernel.register('next', 'Worker', undefined, {}));
    expect(swarm.now - at).toBeLessThan(50);
  });
});

// The original gives its tracker replica events of a remote node and looks at the registry. Here a scripted peer says
// them over a link. A row is written only by the node that hosts its worker, so between two versions of one row its
// place in that node's log decides ("dominates" is "comes later"); between two workers of one name the older fence does.
import { describe, expect, it } from 'vitest';
import type { RegistryEvent } from '../../lib/events/index.js';
import { createPayloadCodec } from '../../lib/transport/codec/payload.codec.js';
import { FrameKind } from '../../lib/transport/frame.js';
import { type SimulatedNode, SimulatedSwarm } from '../simulation/simulated-swarm.js';
import { Recorder } from './support/recorded-workers.js';
import { ScriptedPeer, track, untrack, update, wireRow } from './support/scripted-peer.js';
import { call, failureOf, membersOf, storyOf, until, untilAtRest } from './support/swarm-view.js';

const PEER_STATE = { root: 'state', instances: 'refuse', maxBytes: 1_000 } as const;
const codec = createPayloadCodec({
  refs: { describe: () => undefined, make: (name, type) => ({ name, type }) },
});

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly node: SimulatedNode;
  readonly peer: ScriptedPeer;
  readonly recorder: Recorder;
}

/** One node, which is up, and the peer that it is linked with. */
async function linked(): Promise<Scene> {
  const recorder = new Recorder();
  const swarm = new SimulatedSwarm({ seed: 1, definitions: recorder.definitions({ type: 'Worker' }) });
  await swarm.form(1);
  const node = swarm.nodes[0]!;
  const peer = new ScriptedPeer(swarm, node);
  await peer.link();
  return { swarm, node, peer, recorder };
}

/** As `linked`, and the peer has a worker in a group. */
async function tracked(): Promise<Scene> {
  const scene = await linked();
  scene.peer.say(track(wireRow('remote', { groups: ['old'] })));
  await scene.swarm.advance(100);
  return scene;
}

function changesAt({ kernel }: SimulatedNode): RegistryEvent[] {
  const changes: RegistryEvent[] = [];
  kernel.onRegistryChange((change) => void changes.push(change));
  return changes;
}

describe('handle_replica_event', () => {
  it(':track should add registration', async () => {
    const { swarm, node, peer } = await linked();
    const changes = changesAt(node);
    peer.say(track(wireRow('remote', { fence: 77, groups: ['g'] })));
    await swarm.advance(100);
    const row = { name: 'remote', type: 'Worker', node: peer.id, fence: 77, groups: ['g'] };
    const { kernel } = node;
    expect(kernel.lookup('remote')).toMatchObject(row);
    for (const filter of [{}, { node: peer.id }, { type: 'Worker' }, { prefix: 'rem' }, { group: 'g' }]) {
      expect([...kernel.rows(filter)], JSON.stringify(filter)).toMatchObject([row]);
    }
    expect(kernel.count()).toBe(1);
    expect(kernel.groups()).toEqual(['g']);
    expect(await swarm.settle(kernel.locate('remote', {}))).toMatchObject(row);
    expect(changes.map(({ type, name }) => [type, name])).toEqual([['registered', 'remote']]);
    kernel.cast('remote', 'note', 'hello');
    await until(swarm, 'the message is sent there', () => peer.of(FrameKind.Cast).length === 1);
  });

  it(':track with existing registration should ignore the event', async () => {
    const { swarm, node, peer } = await linked();
    const changes = changesAt(node);
    const row = wireRow('remote', { groups: ['g'] });
    peer.say(track(row));
    peer.sendBatch(peer.seq, [track(row)]);
    peer.say(track(row));
    await swarm.advance(100);
    expect(changes.map(({ type, name }) => [type, name])).toEqual([['registered', 'remote']]);
    expect([...node.kernel.rows({})]).toHaveLength(1);
    expect(membersOf(node, 'g')).toEqual(['remote']);
    expect(node.kernel.explain('remote').rivals).toEqual([]);
  });

  it(':track with conflicting metadata and remote clock dominates should update the metadata', async () => {
    const { swarm, node, peer } = await tracked();
    peer.say(track(wireRow('remote', { groups: ['new'] })));
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')?.groups).toEqual(['new']);
    expect(node.kernel.groups()).toEqual(['new']);
  });

  it(':track with conflicting metadata and local clock dominates should keep the metadata', async () => {
    const { swarm, node, peer } = await tracked();
    const outdated = track(wireRow('remote', { groups: ['new'] }));
    peer.sendBatch(peer.seq, [outdated]);
    peer.sendBatch(peer.seq + 1, [outdated], peer.info.incarnation - 1);
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')?.groups).toEqual(['old']);
    expect(node.kernel.groups()).toEqual(['old']);
  });

  it(':track with conflicting pid and remote clock dominates should kill the locally registered pid', async () => {
    const { swarm, node, peer, recorder } = await linked();
    const { fence } = await swarm.settle(node.kernel.register('lamp', 'Worker', undefined, {}));
    expect(await call(swarm, node, 'lamp', 'add', 3)).toBe(3);
    peer.say(track(wireRow('lamp', { fence: fence - 1 })));
    await until(swarm, 'the younger worker has ended', () => recorder.ended.length > 0);
    expect(recorder.reasons('lamp')).toEqual(['conflict']);
    expect(recorder.living('lamp')).toEqual([]);
    expect(node.kernel.lookup('lamp'), storyOf(swarm)).toMatchObject({ node: peer.id, fence: fence - 1 });
    const offers = peer.of(FrameKind.Offer).flatMap((frame) => frame.offers);
    expect(offers.map(([name, winner, loser]) => [name, winner, loser])).toEqual([
      ['lamp', fence - 1, fence],
    ]);
    expect(codec.decode(offers[0]![3]), 'its state is offered to the older one').toBe(3);
  });

  it(':track with conflicting pid and local clock dominates should ignore the event', async () => {
    const { swarm, node, peer, recorder } = await linked();
    const { fence } = await swarm.settle(node.kernel.register('lamp', 'Worker', undefined, {}));
    await call(swarm, node, 'lamp', 'add', 3);
    peer.say(track(wireRow('lamp', { fence: fence + 1 })));
    await swarm.advance(1_000);
    expect(node.kernel.lookup('lamp')).toMatchObject({ node: node.kernel.self.id, fence });
    expect([...node.kernel.rows({})]).toHaveLength(1);
    expect(await call(swarm, node, 'lamp', 'add', 1)).toBe(4);
    const state = codec.encode(10, PEER_STATE);
    peer.send({ kind: FrameKind.Offer, offers: [['lamp', fence, fence + 1, state]] });
    peer.send({ kind: FrameKind.Offer, offers: [['lamp', fence, fence + 1, state]] });
    const answers = () => peer.of(FrameKind.Offered).flatMap(({ results }) => results);
    await until(swarm, 'both offers are answered', () => answers().length === 2);
    expect(answers()).toEqual([
      ['lamp', fence + 1, 1],
      ['lamp', fence + 1, 1],
    ]);
    peer.say(untrack('lamp'));
    await swarm.advance(100);
    expect(await call(swarm, node, 'lamp', 'total'), 'it has the state of the other, once').toBe(14);
    expect(recorder.begun).toHaveLength(1);
    expect(recorder.ended).toEqual([]);
  });

  it(':untrack when remote clock dominates should remove registration', async () => {
    const { swarm, node, peer } = await tracked();
    const changes = changesAt(node);
    peer.say(untrack('remote'));
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')).toBeUndefined();
    expect([node.kernel.count(), node.kernel.groups()]).toEqual([0, []]);
    expect(changes.map(({ type }) => type)).toEqual(['unregistered']);
    expect(await failureOf(swarm, call(swarm, node, 'remote', 'total'))).toMatchObject({
      code: 'ERR_SWARM_WORKER_NOT_FOUND',
    });
  });

  it(':untrack when local clock dominates should ignore event', async () => {
    const { swarm, node, peer } = await tracked();
    peer.sendBatch(peer.seq, [untrack('remote')]);
    peer.sendBatch(peer.seq + 1, [untrack('remote')], peer.info.incarnation - 1);
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')).toMatchObject({ node: peer.id, groups: ['old'] });
  });

  it(':untrack for unknown pid should ignore the event', async () => {
    const { swarm, node, peer } = await tracked();
    const own = await swarm.settle(node.kernel.register('own', 'Worker', undefined, {}));
    peer.say(untrack('unknown'), untrack('own'));
    peer.say(track(wireRow('next')));
    await swarm.advance(100);
    expect(node.kernel.lookup('own'), 'a node ends its own rows only').toMatchObject({ fence: own.fence });
    expect(node.kernel.lookup('remote')).toMatchObject({ node: peer.id });
    expect(node.kernel.lookup('next'), 'what follows is read').toMatchObject({ node: peer.id });
    expect(await call(swarm, node, 'own', 'add', 1)).toBe(1);
  });

  it(':update_meta for unknown pid should ignore the event', async () => {
    const { swarm, node, peer } = await tracked();
    await swarm.settle(node.kernel.register('own', 'Worker', undefined, {}));
    peer.say(update('unknown', ['new']), update('own', ['new']));
    peer.say(track(wireRow('next')));
    await swarm.advance(100);
    expect(node.kernel.lookup('unknown')).toBeUndefined();
    expect(node.kernel.lookup('own'), 'a node changes its own rows only').toMatchObject({ groups: [] });
    expect(node.kernel.groups()).toEqual(['old']);
    expect(node.kernel.lookup('next'), 'what follows is read').toMatchObject({ node: peer.id });
  });

  it(':update_meta when remote dominates should update the registry', async () => {
    const { swarm, node, peer } = await tracked();
    const changes = changesAt(node);
    peer.say(update('remote', ['new', 'newer']));
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')?.groups).toEqual(['new', 'newer']);
    expect([membersOf(node, 'old'), membersOf(node, 'newer')]).toEqual([[], ['remote']]);
    expect(changes.map(({ type, groups }) => [type, groups])).toEqual([['updated', ['new', 'newer']]]);
  });

  it(':update_meta when local dominates should ignore the event', async () => {
    const { swarm, node, peer } = await tracked();
    peer.sendBatch(peer.seq, [update('remote', ['new'])]);
    peer.sendBatch(peer.seq + 1, [update('remote', ['new'])], peer.info.incarnation - 1);
    await swarm.advance(100);
    expect(node.kernel.lookup('remote')?.groups).toEqual(['old']);
    expect(node.kernel.groups()).toEqual(['old']);
  });

  it(':update_meta when conflict should merge the meta data: what several nodes change in one instant is all there', async () => {
    const recorder = new Recorder();
    const swarm = new SimulatedSwarm({ seed: 2, definitions: recorder.definitions({ type: 'Worker' }) });
    await swarm.form(3);
    const [first] = swarm.nodes;
    const names = Array.from({ length: 10 }, (_, index) => `lamp-${index}`);
    const args = { joins: ['born'] };
    await swarm.settle(Promise.all(names.map((name) => first!.kernel.register(name, 'Worker', args, {}))));
    await untilAtRest(swarm);
    for (const node of swarm.nodes) expect(membersOf(node, 'born')).toEqual(names);
    const changes = swarm.nodes.flatMap(({ kernel }, node) =>
      names.flatMap((name) => [kernel.joinGroup(`group-${node}`, name), kernel.leaveGroup('born', name)]),
    );
    await swarm.settle(Promise.all(changes));
    await untilAtRest(swarm);
    for (const node of swarm.nodes) {
      const rows = [...node.kernel.rows({})];
      expect(rows).toHaveLength(10);
      for (const { groups } of rows) expect([...groups].sort()).toEqual(['group-0', 'group-1', 'group-2']);
      expect(membersOf(node, 'born')).toEqual([]);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { RowFlag, Untracked } from '../../../lib/tracker/row.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { die, trackers } from './support/tracker-node.js';

describe('a node that was taken for dead and is back', () => {
  it('lives again, with what it ran and its groups', () => {
    const { runtime, nodes } = trackers(2);
    const [victim, survivor] = nodes;
    victim!.track('lamp', { groups: ['lights'] });
    runtime.pass(1);
    die(nodes);
    runtime.pass(1);
    expect([...survivor!.index.group('lights')].length).toBe(0);
    victim!.unlinkFrom(survivor!);
    victim!.linkTo(survivor!);
    runtime.pass(1);
    expect(survivor!.orphanNames()).toEqual([]);
    expect(survivor!.index.get('lamp')?.isRunning).toBe(true);
    expect([...survivor!.index.group('lights')].length).toBe(1);
  });

  it.each([
    ['gave way to what was started in its place', 0],
    ['was bound to it', RowFlag.pinned],
  ])('is read once more, with no ping to tell of a difference, where a row of it %s', (_, flags) => {
    const { runtime, nodes } = trackers(2);
    const [owner, peer] = nodes;
    const lamp = owner!.track('lamp', { flags });
    owner!.track('other');
    owner!.rows.untrack(owner!.track('gone'), Untracked.moved);
    runtime.pass(1);
    peer!.takeForDead(owner!.id);
    runtime.pass(1);
    const changes = peer!.changes.filter((name) => name === 'gone').length;
    if (!lamp.isPinned) peer!.orphans.superseded('lamp', peer!.track('lamp'));
    runtime.pass(1);
    peer!.linkTo(owner!);
    runtime.pass(1);
    const read = [...peer!.replicas.table(owner!.id)!.values()].map(({ name }) => name).sort();
    expect(read).toEqual(['lamp', 'other']);
    expect(peer!.changes.filter((name) => name === 'gone').length).toBe(changes);
  });

  it('is not read once more where all of it was kept', () => {
    const { runtime, nodes } = trackers(2);
    const [owner, peer] = nodes;
    owner!.track('lamp');
    owner!.track('other');
    runtime.pass(1);
    peer!.takeForDead(owner!.id);
    runtime.pass(1);
    owner!.transport.sent.length = 0;
    peer!.linkTo(owner!);
    runtime.pass(1);
    const rows = owner!.transport.sent.filter(
      ({ frame: { kind } }) => kind === FrameKind.Batch || kind === FrameKind.Snapshot,
    );
    expect(rows).toEqual([]);
  });
});

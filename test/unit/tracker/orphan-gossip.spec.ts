import { describe, expect, it } from 'vitest';
import { Row, Untracked } from '../../../lib/tracker/row.js';
import { FrameKind } from '../../../lib/transport/frame.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { content, die, POLL_MS, TrackerNode, trackers } from './support/tracker-node.js';

describe('what is left of a dead node', () => {
  it('is shown on by one that was only shown it, until it is told that it has ended', () => {
    const runtime = new ManualRuntime();
    const [node, other] = [new TrackerNode('a@h:1', runtime), new TrackerNode('b@h:2', runtime)];
    node.linkTo(other);
    runtime.pass(10);
    const ended = new Row(content('ended'), 'dead@h:7');
    other.forgotten.add(ended.registration);
    node.orphans.received('c@h:3', {
      ...{ kind: FrameKind.Orphans, node: 'dead@h:7', incarnation: 1 },
      ...{ first: true, last: true, says: 'shown', seq: 0, rows: [ended.toWire()] },
    });
    expect(node.orphanNames()).toEqual(['ended']);
    runtime.pass(10_000);
    expect(node.toldForgotten).toContain('ended');
  });

  it('is shown again until somebody starts it, so that who gave it up for another knows it, too', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, one, other] = nodes;
    const lamp = victim!.track('lamp');
    runtime.pass(1);
    die(nodes);
    runtime.pass(POLL_MS);
    // Who held it instead has given way to the one that died.
    const holder = one!.track('lamp', { registration: lamp.registration });
    runtime.pass(1);
    one!.orphans.superseded('lamp', holder);
    one!.rows.untrack(holder, Untracked.givenBack);
    expect([one!.orphanNames(), other!.orphanNames()]).toEqual([[], ['lamp']]);
    runtime.pass(10_000);
    expect([one!.orphanNames(), other!.orphanNames()]).toEqual([['lamp'], ['lamp']]);
    one!.forgotten.add(lamp.registration);
    runtime.pass(10_000);
    expect(other!.toldForgotten).toContain('lamp');
  });

  describe('to which an activation of another node has given way', () => {
    /** The others took the row of the dead for history of the activation that gives way; `letGo`: they read that it has. */
    function givenWay(before: (victim: TrackerNode, loser: TrackerNode) => void = () => undefined) {
      const { runtime, nodes } = trackers(4);
      const [victim, loser, ...others] = nodes as [TrackerNode, TrackerNode, ...TrackerNode[]];
      const { registration } = victim.track('lamp');
      runtime.pass(1);
      before(victim, loser);
      runtime.pass(1);
      for (const other of others) other.takeForDead(victim.id);
      const younger = loser.track('lamp', { registration });
      runtime.pass(1);
      for (const other of others) other.orphans.superseded('lamp', other.index.get('lamp')!);
      runtime.pass(POLL_MS);
      loser.orphans.gaveWayTo(loser.index.all('lamp').find(({ node }) => node === victim.id)!);
      const letGo = (): void => {
        loser.rows.untrack(younger, Untracked.gaveWay);
        runtime.pass(1);
      };
      return { runtime, victim, loser, others, letGo };
    }

    it('is shown to everybody at once by that node, while they still look for who has the name', () => {
      const { runtime, victim, loser, others, letGo } = givenWay();
      letGo();
      loser.takeForDead(victim.id);
      runtime.pass(1);
      for (const node of [loser, ...others]) expect(node.orphanNames()).toEqual(['lamp']);
    });

    it('is shown to everybody again, for who had not read by then that the name was let go of', () => {
      const { runtime, victim, loser, others, letGo } = givenWay();
      loser.takeForDead(victim.id);
      runtime.pass(1);
      for (const node of others) expect(node.orphanNames()).toEqual([]);
      letGo();
      runtime.pass(3_000);
      for (const node of others) expect(node.orphanNames()).toEqual(['lamp']);
    });

    it('is kept although those that have read further have it no more', () => {
      const { runtime, victim, loser, others, letGo } = givenWay((from, to) => {
        from.transport.unlink(to.id);
        from.track('last');
      });
      letGo();
      loser.takeForDead(victim.id);
      runtime.pass(POLL_MS);
      for (const node of [loser, ...others]) expect(node.orphanNames()).toEqual(['lamp', 'last']);
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { RowTable } from '../../../lib/tracker/row-table.js';
import { Row, Untracked } from '../../../lib/tracker/row.js';
import { FrameKind, type OrphansFrame } from '../../../lib/transport/frame.js';
import { ManualRuntime } from '../runtime/support/manual.runtime.js';
import { content, die, POLL_MS, TrackerNode, trackers } from './support/tracker-node.js';

describe('a live node', () => {
  it('is told that a registration of its has ended until it shows it no more', () => {
    const { runtime, nodes } = trackers(2);
    const [owner, peer] = nodes;
    const lamp = owner!.track('lamp');
    runtime.pass(1);
    peer!.unlinkFrom(owner!);
    peer!.forgotten.add(lamp.registration);
    peer!.linkTo(owner!);
    runtime.pass(1);
    for (const times of [1, 2]) {
      owner!.ping();
      runtime.pass(1);
      expect(owner!.toldForgotten).toEqual(Array.from({ length: times }, () => 'lamp'));
    }
    owner!.rows.untrack(lamp, Untracked.forgotten);
    runtime.pass(1);
    owner!.ping();
    runtime.pass(1);
    expect(owner!.toldForgotten.length).toBe(2);
  });
});

describe('what is left of a dead node', () => {
  it('is as the survivor knows it that has read furthest', () => {
    const { runtime, nodes } = trackers(4);
    const [victim, informed, ...others] = nodes;
    const gone = victim!.track('gone');
    victim!.track('lamp');
    runtime.pass(1);
    for (const { id } of others) victim!.transport.unlink(id);
    victim!.rows.untrack(gone, Untracked.forgotten);
    victim!.track('last');
    runtime.pass(1);
    expect(others[0]!.index.get('last')).toBeUndefined();
    die(nodes);
    runtime.pass(POLL_MS / 2);
    for (const node of [informed!, ...others]) {
      expect(node.orphanNames()).toEqual(['lamp', 'last']);
      expect(node.orphans.isSettled).toBe(true);
    }
  });

  describe('of which one that has read further has less', () => {
    /**
     * Whoever has read further has met the one where the lamp goes on, which the other has not, and was not there when what
     * has ended did.
     */
    function readFurther(): Record<'victim' | 'further' | 'behind' | 'holder', TrackerNode> & {
      runtime: ManualRuntime;
      ended: Row;
    } {
      const { runtime, nodes } = trackers(2);
      const [victim, behind] = nodes as [TrackerNode, TrackerNode];
      const { registration } = victim.track('lamp');
      const ended = victim.track('ended');
      runtime.pass(1);
      victim.transport.unlink(behind.id);
      victim.rows.untrack(ended, Untracked.forgotten);
      runtime.pass(1);
      const [further, holder] = ['further@h:8', 'holder@h:9'].map((id) => new TrackerNode(id, runtime)) as [
        TrackerNode,
        TrackerNode,
      ];
      for (const other of [victim, behind, holder]) further.linkTo(other);
      runtime.pass(1);
      further.takeForDead(victim.id);
      holder.track('lamp', { registration });
      runtime.pass(1);
      further.orphans.superseded('lamp', further.index.get('lamp')!);
      runtime.pass(POLL_MS);
      expect([...further.orphans.tables()]).toEqual([]);
      return { runtime, victim, further, behind, holder, ended };
    }

    it('is kept where it goes on at a node that was not met, and outlives that one and who told of it', () => {
      const { runtime, victim, further, behind, holder, ended } = readFurther();
      behind.takeForDead(victim.id);
      expect(behind.orphans.isSettled).toBe(false);
      runtime.pass(1);
      expect(behind.orphans.isSettled).toBe(true);
      expect(behind.orphanNames()).toEqual(['lamp']);
      // That no row of it is shown is no proof that it has ended.
      expect(behind.forgotten.has(ended.registration)).toBe(false);
      further.takeForDead(holder.id);
      behind.takeForDead(further.id);
      runtime.pass(10_000);
      expect(behind.orphanNames()).toEqual(['lamp']);
    });

    it('is kept, all of it, when who knows more dies before it has answered', () => {
      const { runtime, victim, further, behind } = readFurther();
      further.transport.loses = (frame): boolean => frame.kind === FrameKind.Orphans && frame.says === 'over';
      behind.takeForDead(victim.id);
      runtime.pass(1);
      expect(behind.orphans.isSettled).toBe(false);
      behind.takeForDead(further.id);
      runtime.pass(1);
      expect(behind.orphans.isSettled).toBe(true);
      expect(behind.orphanNames()).toEqual(['ended', 'lamp']);
    });

    it('goes although who knows more is heard again before it has answered', () => {
      const { runtime, victim, further, behind } = readFurther();
      behind.takeForDead(victim.id);
      const { node, incarnation, seq, rows } = further.transport.of(FrameKind.Orphans).at(-1)!;
      expect(behind.orphans.isSettled).toBe(false);
      const left = {
        kind: FrameKind.Orphans,
        node,
        incarnation,
        seq,
        rows,
        first: true,
        last: true,
      } as const;
      behind.orphans.received(further.id, { ...left, says: 'left' });
      behind.orphans.lost(further.id, { kind: FrameKind.Lost, node, incarnation, seq });
      expect(behind.orphans.isSettled).toBe(false);
      runtime.pass(20_000);
      for (const { orphans, index } of [behind, further]) {
        expect(orphans.isSettled).toBe(true);
        expect(index.get('ended')).toBeUndefined();
      }
    });

    it('goes although who knows more waits for yet another', () => {
      const { runtime, victim, further, behind } = readFurther();
      const silent = new TrackerNode('silent@h:6', runtime);
      silent.transport.loses = (): boolean => true;
      further.linkTo(silent);
      const more = {
        kind: FrameKind.Lost,
        node: victim.id,
        incarnation: victim.incarnation,
        seq: 99,
      } as const;
      further.orphans.lost(silent.id, more);
      expect(further.orphans.isSettled).toBe(false);
      behind.takeForDead(victim.id);
      runtime.pass(1);
      expect(behind.orphans.isSettled).toBe(true);
      runtime.pass(20_000);
      for (const { index } of [behind, further]) expect(index.get('ended')).toBeUndefined();
    });

    it('is over for one that has read less only where that one knows that it has ended', () => {
      const { runtime, victim, further, behind } = readFurther();
      behind.takeForDead(victim.id);
      runtime.pass(1);
      const [unknown, ended] = ['unknown', 'ended before'].map(
        (name) => new Row(content(name), victim.id),
      ) as [Row, Row];
      further.forgotten.add(ended.registration);
      const rows = [unknown.toWire(), ended.toWire()];
      const level = behind.orphans.readUpTo(victim.id, 1);
      for (const [seq, over] of [
        [level + 1, [ended]],
        [level, [unknown, ended]],
      ] as const) {
        const frame = { kind: FrameKind.Orphans, node: victim.id, incarnation: 1, seq, rows } as const;
        further.orphans.received(behind.id, { ...frame, says: 'asked', first: true, last: true });
        expect(further.transport.of(FrameKind.Orphans, behind.id).at(-1)).toEqual({
          ...frame,
          says: 'over',
          first: true,
          last: true,
          rows: over.map((row) => row.toWire()),
        });
      }
    });
  });

  it('is agreed upon also when the survivors notice one after the other', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, first, second] = nodes;
    victim!.track('lamp');
    runtime.pass(1);
    victim!.transport.unlink(second!.id);
    victim!.track('last');
    runtime.pass(1);
    first!.takeForDead(victim!.id);
    runtime.pass(100);
    second!.takeForDead(victim!.id);
    runtime.pass(100);
    expect(second!.orphanNames()).toEqual(['lamp', 'last']);
    expect([first!.orphans.isSettled, second!.orphans.isSettled]).toEqual([true, true]);
  });

  describe('of many rows, while one that has read further sends less', () => {
    /** Both to mark a row and to look whether it is left take their time at the one that is behind. */
    function marking(): Record<'victim' | 'behind', TrackerNode> & { runtime: ManualRuntime; lamps: Row[] } {
      const { runtime, nodes } = trackers(4);
      const [victim, behind, further, holder] = nodes as [TrackerNode, TrackerNode, TrackerNode, TrackerNode];
      const lamps = Array.from({ length: 1_000 }, (_, index) => victim.track(`lamp-${index}`));
      runtime.pass(1_000);
      victim.transport.unlink(behind.id);
      // It has not met the one where they go on.
      behind.unlinkFrom(holder);
      victim.track('last');
      runtime.pass(1_000);
      further.takeForDead(victim.id);
      for (const { name, registration } of lamps) holder.track(name, { registration });
      runtime.pass(1_000);
      for (const { name } of lamps) further.orphans.superseded(name, further.index.get(name)!);
      behind.changing = (): void => runtime.spend(0.05);
      behind.forgotten.has = (): boolean => {
        runtime.spend(0.05);
        return false;
      };
      behind.takeForDead(victim.id);
      return { runtime, victim, behind, lamps };
    }

    it('is marked, all of it, before that takes its place', () => {
      const { runtime, behind } = marking();
      runtime.pass(5_000);
      expect(behind.orphans.isSettled).toBe(true);
      const left = [...behind.orphans.rows()];
      expect(left.length).toBe(1_001);
      expect(left.filter(({ orphaned }) => !orphaned)).toEqual([]);
    });

    it('is what its node says, and no more, when that is back before all is marked', () => {
      const { runtime, victim, behind, lamps } = marking();
      let marked = 0;
      behind.changing = (): void => {
        runtime.spend(0.05);
        if (++marked === 500) runtime.defer(() => behind.linkTo(victim));
      };
      runtime.pass(10_000);
      expect(marked).toBeGreaterThan(500);
      expect(behind.orphanNames()).toEqual([]);
      expect(behind.index.count).toBe(1_001);
      for (const lamp of lamps) victim.rows.untrack(lamp, Untracked.forgotten);
      runtime.pass(10_000);
      expect([...behind.index.rows()].map(({ name }) => name)).toEqual(['last']);
    });
  });

  it('is shown as it is when its turn has come, and not what was known to be over by then', () => {
    const runtime = new ManualRuntime();
    const [node, other] = [new TrackerNode('a@h:1', runtime), new TrackerNode('b@h:2', runtime)];
    node.linkTo(other);
    runtime.pass(10);
    const [gone, left] = ['gone', 'left'].map((name) => new Row(content(name), 'dead@h:7').toWire());
    const told = (to: TrackerNode, says: 'left' | 'over', seq: number, rows: OrphansFrame['rows']): void =>
      to.orphans.received('c@h:3', {
        ...{ kind: FrameKind.Orphans, node: 'dead@h:7', incarnation: 1 },
        ...{ first: true, last: true, says, seq, rows },
      });
    told(node, 'left', 5, [gone!, left!]);
    told(other, 'left', 8, [left!]);
    runtime.pass(1);
    node.transport.room = 0;
    runtime.pass(10_000);
    told(node, 'left', 8, [left!]);
    told(node, 'over', 8, [gone!]);
    runtime.pass(100);
    expect(node.orphanNames()).toEqual(['left']);
    node.transport.room = Infinity;
    runtime.pass(100);
    expect(node.transport.of(FrameKind.Orphans).map(({ says }) => says)).toContain('shown');
    expect(other.orphanNames()).toEqual(['left']);
  });

  it('is talked of once by survivors of which each has long seen that nothing is left', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, first, second] = nodes as [TrackerNode, TrackerNode, TrackerNode];
    victim.rows.untrack(victim.track('gone'), Untracked.forgotten);
    runtime.pass(1);
    let told = 0;
    for (const { transport } of [first, second]) {
      transport.loses = ({ kind }): boolean => {
        if (kind === FrameKind.Lost) told++;
        return false;
      };
    }
    first.takeForDead(victim.id);
    runtime.pass(POLL_MS);
    second.takeForDead(victim.id);
    runtime.pass(POLL_MS);
    expect(told).toBe(2);
    for (const { orphans } of [first, second]) {
      expect(orphans.isSettled).toBe(true);
      expect([...orphans.tables()]).toEqual([]);
    }
  });

  it('is whole although two survivors send all of it in turns', () => {
    const runtime = new ManualRuntime();
    const node = new TrackerNode('a@h:1', runtime);
    const rows = ['one', 'two', 'three'].map((name) => new Row(content(name), 'dead@h:7').toWire());
    const part = (from: string, index: number): void => {
      const position = { first: index === 0, last: index === 2, rows: [rows[index]!] };
      const frame = { kind: FrameKind.Orphans, node: 'dead@h:7', incarnation: 1, seq: 3, ...position };
      node.orphans.received(from, { ...frame, says: 'left' });
    };
    part('b', 0);
    part('b', 1);
    part('c', 0);
    part('b', 2);
    part('c', 1);
    part('c', 2);
    expect(node.orphanNames()).toEqual(['one', 'three', 'two']);
  });

  describe('replaced in slices by what another has read', () => {
    const NAMES = Array.from({ length: 1_000 }, (_, index) => `lamp-${index}`);
    const DEAD = 'dead@h:7';

    /**
     * A node that holds older rows of all names but the last, and was just sent newer ones of all but the first. Who sent
     * them shows no row of the first, either.
     */
    function replacing(): { runtime: ManualRuntime; node: TrackerNode; older: Row[]; newer: Row[] } {
      const runtime = new ManualRuntime();
      const [node, further] = [new TrackerNode('a@h:1', runtime), new TrackerNode('c@h:3', runtime)];
      node.linkTo(further);
      runtime.pass(1);
      const of = (name: string): Row => new Row(content(name, { registration: `r ${name}` }), DEAD);
      const send = (to: TrackerNode, from: string, seq: number, rows: readonly Row[]): void => {
        const frame = { kind: FrameKind.Orphans, node: DEAD, incarnation: 1, seq, says: 'left' } as const;
        const wires = rows.map((row) => row.toWire());
        to.orphans.received(from, { ...frame, first: true, last: true, rows: wires });
      };
      const [older, newer] = [NAMES.slice(0, -1).map(of), NAMES.slice(1).map(of)];
      send(node, 'b@h:2', 1, older);
      send(further, 'b@h:2', 2, newer);
      runtime.pass(1);
      // From now on each row that the index shows takes its time.
      node.changing = (): void => runtime.spend(0.05);
      runtime.measured(() => send(node, further.id, 2, newer));
      return { runtime, node, older, newer };
    }

    it('holds the event loop for 5 ms at most, and is agreed upon only when all of it is there', () => {
      const { runtime, node, newer } = replacing();
      expect(node.orphans.isSettled).toBe(false);
      const settled = node.settled;
      runtime.pass(1_000);
      expect(runtime.longestTaskMs).toBeLessThanOrEqual(5);
      expect(node.orphans.isSettled).toBe(true);
      expect(node.settled).toBe(settled + 1);
      expect(node.orphanNames()).toEqual(NAMES.slice(1).sort());
      for (const { name, fence } of newer) expect(node.index.get(name)?.fence).toBe(fence);
      expect(node.index.get(NAMES[0]!)).toBeUndefined();
    });

    it('takes no name that has ended meanwhile, nor one that is held elsewhere by then', () => {
      const { runtime, node } = replacing();
      const [ended, held] = NAMES.slice(-3);
      node.forgotten.add(`r ${ended}`);
      node.orphans.forget(ended!, `r ${ended}`);
      const holder = node.track(held!, { registration: `r ${held}` });
      node.orphans.superseded(held!, holder);
      // Nor one that those who have read further do not tell of, and that was held for a moment.
      const brief = node.track(NAMES[0]!, { registration: `r ${NAMES[0]}` });
      node.orphans.superseded(NAMES[0]!, brief);
      node.rows.untrack(brief, Untracked.givenBack);
      runtime.pass(1_000);
      expect(node.transport.of(FrameKind.Orphans).filter(({ says }) => says === 'asked')).toEqual([]);
      expect(node.index.get(ended!)).toBeUndefined();
      expect(node.index.all(held!)).toEqual([holder]);
      expect(node.orphanNames().length).toBe(NAMES.length - 3);
    });

    it('is whole when its node turns out to live, once all of its rows do, no slice of which takes longer than 5 ms', () => {
      const { runtime, node, older, newer } = replacing();
      let table: RowTable | undefined;
      node.orphans.revive(DEAD, 1, (whole) => (table = whole));
      expect([table, node.orphans.isSettled]).toEqual([undefined, false]);
      runtime.longestTaskMs = 0;
      runtime.pass(1_000);
      expect(runtime.longestTaskMs).toBeLessThanOrEqual(5);
      expect(node.orphans.isSettled).toBe(true);
      // Whether the first has ended is for its node to say: it is read once more.
      expect([...table!.values()].map(({ name }) => name)).toEqual([...NAMES.slice(1), NAMES[0]]);
      for (const name of NAMES) expect(node.index.all(name)).toEqual([table!.get(name)]);
      expect(table!.get(NAMES[0]!)?.fence).toBe(older[0]!.fence);
      expect([node.index.count, table!.seq]).toEqual([newer.length + 1, 0]);
    });

    it('is an orphan again, and given away to nobody, when its node dies again before all of its rows live', () => {
      const { runtime, node, newer } = replacing();
      runtime.pass(1_000);
      let tables = 0;
      runtime.measured(() => node.orphans.revive(DEAD, 1, () => tables++));
      const living = node.index.count;
      expect(living).toBeGreaterThan(0);
      expect(living).toBeLessThan(newer.length);
      expect(newer.every((row) => node.orphans.isReviving(row))).toBe(true);
      node.takeForDead(DEAD);
      runtime.pass(1_000);
      expect([tables, node.index.count, node.orphans.isSettled]).toEqual([0, 0, true]);
      expect(node.orphanNames()).toEqual(NAMES.slice(1).sort());
      expect(newer.some((row) => node.orphans.isReviving(row))).toBe(false);
    });

    it('is given to the link that is open when all of it lives', () => {
      const { runtime, node } = replacing();
      runtime.pass(1_000);
      const given: string[] = [];
      node.members.set(DEAD, 1);
      runtime.measured(() => node.orphans.revive(DEAD, 1, () => given.push('first')));
      node.orphans.revive(DEAD, 1, (table) => given.push(`second: ${table?.size} rows`));
      expect(given).toEqual([]);
      runtime.pass(1_000);
      node.orphans.revive(DEAD, 1, (table) => given.push(String(table)));
      expect(given).toEqual([`second: ${NAMES.length - 1} rows`, 'undefined']);
    });
  });

  it('is not awaited longer than the poll lasts, nor from a survivor that is gone too', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, quick, slow] = nodes;
    victim!.track('lamp');
    runtime.pass(1);
    quick!.takeForDead(victim!.id);
    runtime.pass(POLL_MS - 1);
    expect(quick!.orphans.isSettled).toBe(false);
    runtime.pass(1);
    expect(quick!.orphans.isSettled).toBe(true);
    const [again] = [new TrackerNode('x@h:9', runtime)];
    again.linkTo(quick!);
    runtime.pass(1);
    quick!.takeForDead(again.id);
    expect(quick!.orphans.isSettled).toBe(false);
    quick!.unlinkFrom(slow!);
    expect(quick!.orphans.isSettled).toBe(true);
    expect(quick!.settled).toBeGreaterThan(0);
  });

  it('reaches a survivor whose link was full for a while', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, informed, behind] = nodes;
    victim!.transport.unlink(behind!.id);
    for (let i = 0; i < 1_000; i++) victim!.track(`name-${i}`);
    runtime.pass(1);
    informed!.transport.room = 2;
    die(nodes);
    runtime.pass(50);
    expect(behind!.orphanNames()).toEqual([]);
    informed!.transport.room = Infinity;
    runtime.pass(50);
    expect(behind!.orphanNames()).toHaveLength(1_000);
  });

  it('comes to a node that links later, before it is told that it is level', () => {
    const { runtime, nodes } = trackers(2);
    const [victim, survivor] = nodes;
    for (let i = 0; i < 600; i++) victim!.track(`name-${i}`);
    runtime.pass(1);
    die(nodes);
    runtime.pass(1);
    const late = new TrackerNode('late@h:9', runtime);
    survivor!.linkTo(late);
    runtime.pass(1);
    expect(late.orphanNames()).toHaveLength(600);
    const kinds = survivor!.transport.sent.filter(({ to }) => to === late.id).map(({ frame }) => frame.kind);
    expect(kinds.lastIndexOf(FrameKind.Orphans)).toBeLessThan(kinds.indexOf(FrameKind.Adopted));
  });

  it('does not come back by a node that was away when a registration ended', () => {
    const { runtime, nodes } = trackers(2);
    const [victim, away] = nodes;
    const lamp = victim!.track('lamp');
    runtime.pass(1);
    die(nodes);
    runtime.pass(1);
    const knowing = new TrackerNode('knowing@h:9', runtime);
    knowing.forgotten.add(lamp.registration);
    away!.linkTo(knowing);
    runtime.pass(1);
    expect(knowing.index.get('lamp')).toBeUndefined();
    expect(away!.toldForgotten).toEqual(['lamp']);
    away!.orphans.forget('lamp', lamp.registration);
    expect(away!.index.get('lamp')).toBeUndefined();
    expect([...away!.orphans.tables()]).toEqual([]);
  });

  /** Two survivors that have just met: one gave the victim up before it tracked a row, the other has read that. */
  function readUnequally() {
    const runtime = new ManualRuntime();
    const [early, late] = [new TrackerNode('a@h:1', runtime), new TrackerNode('b@h:2', runtime)];
    const victim = new TrackerNode('c@h:3', runtime);
    early.linkTo(victim);
    late.linkTo(victim);
    runtime.pass(1);
    early.takeForDead(victim.id);
    victim.track('lamp');
    runtime.pass(1);
    early.linkTo(late);
    return { runtime, early, late, victim };
  }

  it('is asked for by one that gave it up before it met who has read further', () => {
    const { runtime, early, late, victim } = readUnequally();
    late.takeForDead(victim.id);
    runtime.pass(POLL_MS);
    expect(early.orphanNames()).toEqual(['lamp']);
  });

  it('is asked for also where the link is full just then', () => {
    const { runtime, early, late, victim } = readUnequally();
    runtime.pass(1);
    early.transport.room = 0;
    late.takeForDead(victim.id);
    runtime.pass(POLL_MS / 4);
    early.transport.room = Infinity;
    runtime.pass(POLL_MS / 4);
    expect(early.orphanNames()).toEqual(['lamp']);
  });

  it('is not agreed upon by what a survivor said when it had given the node up before, and heard it again', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, hasty, calm] = nodes;
    victim!.track('lamp');
    runtime.pass(1);
    hasty!.takeForDead(victim!.id);
    runtime.pass(1);
    victim!.unlinkFrom(hasty!);
    hasty!.linkTo(victim!);
    runtime.pass(60_000);
    victim!.transport.unlink(calm!.id);
    victim!.track('last');
    runtime.pass(1);
    calm!.takeForDead(victim!.id);
    expect(calm!.orphans.isSettled).toBe(false);
    hasty!.takeForDead(victim!.id);
    runtime.pass(POLL_MS / 2);
    expect(calm!.orphans.isSettled).toBe(true);
    expect(calm!.orphanNames()).toEqual(['lamp', 'last']);
  });

  it('is agreed upon at once where the other survivors gave the node up before, however many were heard again', () => {
    const [calm, hasty] = trackers(2).nodes;
    const lost = (node: string): void =>
      calm!.orphans.lost(hasty!.id, { kind: FrameKind.Lost, node, incarnation: 1, seq: 0 });
    const ids = Array.from({ length: 1_100 }, (_, index) => `c${index}@h:9`);
    for (const id of ids) {
      calm!.members.set(id, 1);
      lost(id);
    }
    calm!.takeForDead(ids.at(-1)!);
    expect(calm!.orphans.isSettled).toBe(true);
  });

  it('leaves nothing behind of a sender that broke off', () => {
    const runtime = new ManualRuntime();
    const node = new TrackerNode('a@h:1', runtime);
    const rows = [new Row(content('lamp'), 'dead@h:7').toWire()];
    const frame = {
      kind: FrameKind.Orphans,
      node: 'dead@h:7',
      incarnation: 1,
      seq: 3,
      says: 'left',
    } as const;
    node.orphans.received('b@h:2', { ...frame, first: true, last: false, rows });
    node.orphans.unlinked('b@h:2');
    node.orphans.received('b@h:2', { ...frame, first: false, last: true, rows: [] });
    expect(node.orphanNames()).toEqual([]);
    expect([...node.orphans.tables()].filter(({ size }) => size > 0)).toEqual([]);
  });

  it('is no matter for a node that still has the other for a member', () => {
    const { runtime, nodes } = trackers(3);
    const [victim, hasty, calm] = nodes;
    victim!.track('lamp');
    runtime.pass(1);
    hasty!.takeForDead(victim!.id);
    runtime.pass(POLL_MS);
    expect(calm!.index.get('lamp')?.isRunning).toBe(true);
    expect(calm!.orphanNames()).toEqual([]);
  });
});

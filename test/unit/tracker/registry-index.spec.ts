import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { RegistryIndex, winsConflict } from '../../../lib/tracker/registry-index.js';
import { Row, RowStatus, type RowContent } from '../../../lib/tracker/row.js';
import { content } from './support/tracker-node.js';

function make(): { index: RegistryIndex; changed: string[]; contested: string[] } {
  const changed: string[] = [];
  const contested: string[] = [];
  const index = new RegistryIndex({
    changed: (name, visible) => void changed.push(`${name}: ${visible ? visible.node : 'gone'}`),
    contested: (name) => void contested.push(name),
  });
  return { index, changed, contested };
}

function row(name: string, node: string, more: Partial<RowContent> & { orphaned?: boolean } = {}): Row {
  const { orphaned = false, ...rest } = more;
  const made = new Row(content(name, rest), node);
  made.orphaned = orphaned;
  return made;
}

describe('the index of the registry', () => {
  it('finds a row by its name and by its groups', () => {
    const { index, changed } = make();
    const lamp = row('lamp', 'a', { groups: ['lights', 'hall'] });
    index.add(lamp);
    expect(index.get('lamp')).toBe(lamp);
    expect([...index.group('lights')]).toEqual([lamp]);
    expect(index.groups().sort()).toEqual(['hall', 'lights']);
    expect(index.count).toBe(1);
    index.remove(lamp);
    expect(index.get('lamp')).toBeUndefined();
    expect(index.groups()).toEqual([]);
    expect(index.count).toBe(0);
    expect(changed).toEqual(['lamp: a', 'lamp: gone']);
  });

  it('counts, and has in groups, only what takes messages', () => {
    const { index } = make();
    const lamp = row('lamp', 'a', { groups: ['lights'], status: RowStatus.starting });
    index.add(lamp);
    expect([index.count, [...index.group('lights')].length]).toEqual([0, 0]);
    index.alter(lamp, () => lamp.update(RowStatus.running, lamp.groups));
    expect([index.count, [...index.group('lights')].length]).toEqual([1, 1]);
    index.alter(lamp, () => (lamp.orphaned = true));
    expect([index.count, [...index.group('lights')].length]).toEqual([0, 0]);
    expect(index.groups()).toEqual([]);
  });

  it('lists what arrives only when it is known from where, because the attempt may fail', () => {
    const { index } = make();
    const arriving = row('lamp', 'b', { groups: ['lights'], fence: 2, status: RowStatus.arriving });
    index.add(arriving);
    expect([index.get('lamp')?.isListed, index.count, index.groups()]).toEqual([false, 0, []]);
    const source = row('lamp', 'a', { groups: ['lights'], fence: 1 });
    index.add(source);
    expect([index.get('lamp'), index.count]).toEqual([source, 1]);
    index.remove(source);
    expect([index.get('lamp')?.isListed, index.count, index.groups()]).toEqual([true, 1, ['lights']]);
    index.remove(arriving);
    expect([index.count, index.groups()]).toEqual([0, []]);
  });

  it('lists what has arrived, wherever from', () => {
    const { index } = make();
    const arriving = row('lamp', 'b', { status: RowStatus.arriving });
    index.add(arriving);
    index.alter(arriving, () => arriving.update(RowStatus.running, []));
    expect([index.get('lamp')?.isListed, index.count]).toEqual([true, 1]);
  });

  it('moves a row between groups when they change', () => {
    const { index } = make();
    const lamp = row('lamp', 'a', { groups: ['old'] });
    index.add(lamp);
    index.alter(lamp, () => lamp.update(RowStatus.running, ['new']));
    expect(index.groups()).toEqual(['new']);
  });

  it('has a row that joins or leaves one group there at once, and tells of it once', () => {
    const { index, changed } = make();
    const lamp = row('lamp', 'a', { groups: ['hall'] });
    index.add(lamp);
    const change = (group: string, joins: boolean): void =>
      index.changeGroup(lamp, group, joins, () => lamp.changeGroup(group, joins));
    for (let times = 0; times < 2; times++) change('lights', true);
    expect([[...index.group('lights')], index.groups(), changed]).toEqual([
      [lamp],
      ['hall', 'lights'],
      ['lamp: a', 'lamp: a'],
    ]);
    for (let times = 0; times < 2; times++) change('hall', false);
    expect([index.groups(), changed.length]).toEqual([['lights'], 3]);
    index.remove(lamp);
    expect(index.groups()).toEqual([]);
  });

  it('has a row that joins a group while it is not listed there when it is', () => {
    const { index, changed } = make();
    const [older, newer] = [row('lamp', 'b', { fence: 10 }), row('lamp', 'a', { fence: 20 })];
    const starting = row('door', 'a', { status: RowStatus.starting });
    for (const each of [older, newer, starting]) index.add(each);
    changed.length = 0;
    for (const each of [newer, starting])
      index.changeGroup(each, 'hall', true, () => each.changeGroup('hall', true));
    expect(changed).toEqual(['lamp: b', 'door: a']);
    expect([[...index.group('hall')], index.all('lamp')]).toEqual([[], [older, newer]]);
    index.remove(older);
    index.alter(starting, () => starting.update(RowStatus.running, starting.groups));
    expect([...index.group('hall')]).toEqual([newer, starting]);
  });

  it('shows the older of two activations, and the other when that one goes', () => {
    const { index, contested } = make();
    const older = row('lamp', 'b', { fence: 10 });
    const newer = row('lamp', 'a', { fence: 20 });
    index.add(newer);
    index.add(older);
    expect(index.get('lamp')).toBe(older);
    expect(index.all('lamp')).toEqual([older, newer]);
    expect(index.count).toBe(1);
    expect(contested).toEqual(['lamp']);
    index.remove(older);
    expect(index.get('lamp')).toBe(newer);
  });

  it('shows a row that holds the name before a claim and before an orphan', () => {
    const { index } = make();
    const claim = row('lamp', 'a', { fence: 1, status: RowStatus.claiming });
    const orphan = row('lamp', 'b', { fence: 2, orphaned: true });
    const held = row('lamp', 'c', { fence: 3, status: RowStatus.starting });
    for (const each of [claim, orphan, held]) index.add(each);
    expect(index.all('lamp')[0]).toBe(held);
    index.remove(held);
    expect(index.get('lamp')).toBe(orphan);
    index.remove(orphan);
    expect(index.get('lamp')).toBe(claim);
  });

  it('shows the newest of several orphans', () => {
    const { index } = make();
    for (const fence of [5, 9, 7]) index.add(row('lamp', `n${fence}`, { fence, orphaned: true }));
    expect(index.get('lamp')?.fence).toBe(9);
  });

  it('tells who waits for a name also of a row that goes unseen', () => {
    const { index, changed } = make();
    const [seen, unseen] = [1, 2].map((fence) =>
      row('lamp', `n${fence}`, { fence, status: RowStatus.claiming }),
    );
    index.add(seen!);
    index.add(unseen!);
    changed.length = 0;
    index.remove(unseen!);
    expect(changed).toEqual(['lamp: n1']);
  });

  it('shows nobody in between when the visible row of several goes', () => {
    const { index, changed } = make();
    const rows = [30, 10, 20, 40].map((fence) => row('lamp', `n${fence}`, { fence }));
    for (const each of rows) index.add(each);
    changed.length = 0;
    index.remove(rows[1]!);
    expect(changed).toEqual(['lamp: n20']);
  });

  it('does nothing for a row that it does not have', () => {
    const { index } = make();
    const lamp = row('lamp', 'a');
    index.add(lamp);
    index.remove(row('lamp', 'a'));
    index.remove(row('door', 'a'));
    expect(index.get('lamp')).toBe(lamp);
    expect(index.count).toBe(1);
  });

  it('gives every node the same verdict between two activations', () => {
    const [older, newer] = [row('x', 'b', { fence: 1 }), row('x', 'a', { fence: 2 })];
    expect([winsConflict(older, newer), winsConflict(newer, older)]).toEqual([true, false]);
    const [left, right] = [row('x', 'a', { fence: 3 }), row('x', 'b', { fence: 3 })];
    expect([winsConflict(left, right), winsConflict(right, left)]).toEqual([true, false]);
  });

  it('shows the same whatever the order in which rows came, changed and went', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const rows = Array.from({ length: 3 + Math.floor(random() * 5) }, (_, index) =>
        row(`name-${Math.floor(random() * 2)}`, `n${index}`, {
          fence: Math.floor(random() * 4),
          status: Math.floor(random() * 3) as RowStatus,
          orphaned: random() < 0.3,
          groups: random() < 0.5 ? ['g'] : [],
        }),
      );
      const kept = rows.filter(() => random() < 0.7);
      const views = new Set<string>();
      for (let order = 0; order < 8; order++) views.add(viewAfter(rows, kept, random));
      expect([...views], `seed ${seed}`).toHaveLength(1);
    }
  });
});

/** Adds all, alters some there and back, removes those that are not kept; all in a random order. */
function viewAfter(rows: readonly Row[], kept: readonly Row[], random: () => number): string {
  const { index } = make();
  const shuffled = <T>(of: readonly T[]): T[] =>
    of
      .map((item) => [random(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  for (const each of shuffled(rows)) index.add(each);
  for (const each of shuffled(rows).slice(0, 3)) {
    const { status, groups } = each;
    index.alter(each, () => each.update(RowStatus.starting, []));
    index.alter(each, () => each.update(status, groups));
  }
  for (const each of shuffled(rows.filter((item) => !kept.includes(item)))) index.remove(each);
  const visible = [...index.rows()].map(({ name, node }) => `${name} ${node}`).sort();
  const members = [...index.group('g')].map(({ name, node }) => `${name} ${node}`).sort();
  return JSON.stringify({ visible, members, count: index.count });
}

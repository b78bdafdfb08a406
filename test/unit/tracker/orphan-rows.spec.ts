import { describe, expect, it } from 'vitest';
import { RowStatus, Row } from '../../../lib/tracker/row.js';
import { die, TrackerNode, trackers } from './support/tracker-node.js';

describe('what is left of a dead node', () => {
  it('is kept as orphans, and nothing pinned, asked for or ended among them', () => {
    const { runtime, nodes } = trackers(2);
    const [victim, survivor] = nodes;
    victim!.track('lamp');
    victim!.track('starting', { status: RowStatus.starting });
    victim!.track('pinned', { flags: 1 });
    victim!.track('claimed', { status: RowStatus.claiming });
    const ended = victim!.track('ended');
    runtime.pass(1);
    survivor!.forgotten.add(ended.registration);
    die(nodes);
    runtime.pass(1);
    expect(survivor!.orphanNames()).toEqual(['lamp', 'starting']);
    expect(survivor!.index.count).toBe(0);
    expect(survivor!.index.get('pinned')).toBeUndefined();
  });

  it.each([
    ['newer', true],
    ['older', false],
  ] as const)(
    'gives way to whoever holds the name; another registration is remembered as ended if it is the newer one: %s',
    (age, ends) => {
      const { runtime, nodes } = trackers(2);
      const [victim, survivor] = nodes;
      const track = (node: TrackerNode): Row => node.track('lamp');
      const first = age === 'older' ? track(victim!) : undefined;
      runtime.pass(5);
      const holder = survivor!.track('lamp');
      runtime.pass(5);
      const lamp = first ?? track(victim!);
      runtime.pass(1);
      die(nodes);
      runtime.pass(1);
      survivor!.orphans.superseded('lamp', holder);
      expect(survivor!.index.all('lamp')).toEqual([holder]);
      expect(survivor!.forgotten.has(lamp.registration)).toBe(ends);
      expect([...survivor!.orphans.tables()]).toEqual([]);
    },
  );
});

import { describe, expect, it } from 'vitest';
import type { RegistryEvent } from '../../../lib/events/index.js';
import { RegistryIndex } from '../../../lib/tracker/registry-index.js';
import { RegistryWatch } from '../../../lib/tracker/registry-watch.js';
import { Row, RowStatus, type RowContent } from '../../../lib/tracker/row.js';
import { content } from './support/tracker-node.js';

function make(): { index: RegistryIndex; listen: () => string[]; watch: RegistryWatch } {
  const watch = new RegistryWatch((error) => {
    throw error;
  });
  const index = new RegistryIndex({
    changed: (name, visible, isAnew) => isAnew && watch.changed(name, visible),
    hiding: (hidden) => watch.hiding(hidden),
    contested: () => undefined,
  });
  const listen = (): string[] => {
    const told: string[] = [];
    watch.listen(({ type, name, node, groups }: RegistryEvent) =>
      told.push([type, name, node, ...groups].join(' ')),
    );
    return told;
  };
  return { index, listen, watch };
}

function row(name: string, node: string, more: Partial<RowContent> = {}): Row {
  return new Row(content(name, more), node);
}

describe('who watches the registry', () => {
  it('is told what becomes of names that were there before', () => {
    const { index, listen } = make();
    const [lamp, fan] = [row('lamp', 'a'), row('fan', 'a')];
    index.add(lamp);
    index.add(fan);
    const told = listen();
    index.alter(lamp, () => lamp.update(RowStatus.running, ['hall']));
    index.remove(fan);
    expect(told).toEqual(['updated lamp a hall', 'unregistered fan a']);
  });

  it('is told of a name that is gone for a while only when it runs elsewhere, as of one that has changed', () => {
    const { index, listen } = make();
    const lamp = row('lamp', 'a');
    index.add(lamp);
    const told = listen();
    index.alter(lamp, () => (lamp.orphaned = true));
    const heir = row('lamp', 'b', { status: RowStatus.starting });
    index.add(heir);
    index.remove(lamp);
    expect(told).toEqual([]);
    index.alter(heir, () => heir.update(RowStatus.running, []));
    expect(told).toEqual(['updated lamp b']);
    index.remove(heir);
    expect(told).toEqual(['updated lamp b', 'unregistered lamp b']);
  });

  it('is told nothing when nothing changes that it sees', () => {
    const { index, listen } = make();
    const [first, second] = [row('lamp', 'a'), row('lamp', 'b')];
    index.add(first);
    const told = listen();
    index.alter(first, () => first.update(RowStatus.running, first.groups));
    index.add(second);
    index.remove(second);
    expect(told).toEqual([]);
  });

  it('is told of nobody whom it has not seen, and that it ends', () => {
    const { index, listen } = make();
    const asked = row('lamp', 'a', { status: RowStatus.starting });
    index.add(asked);
    const told = listen();
    index.remove(asked);
    expect(told).toEqual([]);
    index.add(row('fan', 'a'));
    expect(told).toEqual(['registered fan a']);
  });
});

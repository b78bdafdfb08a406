import { describe, expect, it } from 'vitest';
import { DeadNode, DeadNodes } from '../../../lib/tracker/dead-nodes.js';
import { RowTable } from '../../../lib/tracker/row-table.js';

const DEAD = 'dead@h:7';
/** More than are remembered of which nothing is left. */
const MANY = 5_000;

function deadNode(incarnation: number, seq: number): DeadNode {
  const table = new RowTable(DEAD, incarnation);
  table.seq = seq;
  return new DeadNode(table);
}

describe('the dead nodes', () => {
  it('are known by how far their logs were read, also when nothing of them is left', () => {
    const nodes = new DeadNodes();
    expect(nodes.readUpTo(DEAD, 1)).toBe(0);
    const dead = nodes.hold(deadNode(1, 5));
    expect([nodes.readUpTo(DEAD, 1), nodes.readUpTo(DEAD, 2)]).toEqual([5, 0]);
    nodes.finish(dead);
    expect([nodes.size, nodes.has(dead), nodes.readUpTo(DEAD, 1)]).toEqual([0, false, 5]);
    // Told of again by one that has read less.
    nodes.finish(nodes.hold(deadNode(1, 3)));
    expect(nodes.readUpTo(DEAD, 1)).toBe(5);
    expect(nodes.known(DEAD, 1).table.seq).toBe(5);
  });

  it('are held only if that is asked for', () => {
    const nodes = new DeadNodes();
    expect(nodes.has(nodes.known(DEAD, 1))).toBe(false);
    const held = nodes.heldOf(DEAD, 1);
    expect(nodes.known(DEAD, 1)).toBe(held);
    expect([...nodes.all()]).toEqual([held]);
    nodes.hold(deadNode(1, 0));
    expect(nodes.has(held), 'it has died once more').toBe(false);
    nodes.delete(held);
    expect(nodes.size).toBe(0);
  });

  it('are forgotten where very many have died since', () => {
    const nodes = new DeadNodes();
    for (let incarnation = 1; incarnation <= MANY; incarnation++) nodes.finish(deadNode(incarnation, 1));
    expect([nodes.readUpTo(DEAD, 1), nodes.readUpTo(DEAD, MANY)]).toEqual([0, 1]);
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../lib/runtime/virtual.runtime.js';
import { Row, RowStatus } from '../../../lib/tracker/row.js';
import { content } from './support/tracker-node.js';

const GROUPS = Array.from({ length: 8 }, (_, index) => `group-${index}`);

describe('the hash of a row', () => {
  it('says what the row is, not how it came about', () => {
    const random = seededRandom(7);
    const below = (count: number): number => Math.floor(random() * count);
    const row = new Row(content('lamp'), 'a');
    const fresh = row.hash;
    for (let step = 0; step < 2_000; step++) {
      const group = GROUPS[below(GROUPS.length)]!;
      if (step % 7 === 0) row.update(below(5) as RowStatus, row.groups);
      else if (step % 11 === 0) row.update(row.status, GROUPS.slice(below(GROUPS.length)));
      else row.changeGroup(group, random() < 0.5);
      expect(Row.fromWire(row.toWire(), 'a').hash).toBe(row.hash);
    }
    row.update(RowStatus.running, []);
    expect(row.hash).toBe(fresh);
  });

  it('differs with each part, and is whole 32 bits', () => {
    const first = content('lamp', { groups: ['a', 'b'] });
    const others = [
      { name: 'lamq' },
      { registration: 'other' },
      { fence: first.fence + 1 },
      { status: RowStatus.parked },
      { groups: ['a'] },
      { groups: ['b'] },
      { groups: ['ab'] },
      { groups: [] },
    ].map((more) => new Row({ ...first, ...more }, 'a').hash);
    const all = [new Row(first, 'a').hash, ...others];
    expect(new Set(all).size).toBe(9);
    for (const hash of all) expect(hash).toBe(hash | 0);
  });

  // Two of them that change alike must not make the digest of their node what it was.
  it('does not cancel out over rows that join the same group', () => {
    const digestOf = (rows: readonly Row[]): number => rows.reduce((digest, { hash }) => digest ^ hash, 0);
    for (const group of GROUPS) {
      for (let i = 0; i < 2_000; i += 2) {
        const rows = [i, i + 1].map((number) => new Row(content(`lamp-${number}`), 'a'));
        const before = digestOf(rows);
        for (const row of rows) row.changeGroup(group, true);
        expect(digestOf(rows)).not.toBe(before);
      }
    }
  });
});

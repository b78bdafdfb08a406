import { expect, it } from 'vitest';
import { PlacementHistory } from '../../../lib/events/placement-history.js';

it('keeps the latest notes of a name, oldest first', () => {
  let now = 0;
  const history = new PlacementHistory(() => ++now + 0.5);
  for (let i = 1; i <= 12; i++) history.note('lamp', `note ${i}`);
  const notes = history.of('lamp');
  expect(notes).toHaveLength(10);
  expect(notes[0]).toEqual({ at: 3, what: 'note 3' });
  expect(notes.at(-1)).toEqual({ at: 12, what: 'note 12' });
  expect(history.of('nobody')).toEqual([]);
});

it('forgets the names that were noted longest ago', () => {
  const history = new PlacementHistory(() => 0);
  history.note('first', 'a');
  history.note('second', 'a');
  for (let i = 0; i < 4_094; i++) history.note(`name-${i}`, 'a');
  history.note('first', 'b');
  history.note('one more', 'a');
  expect(history.of('first')).toHaveLength(2);
  expect(history.of('second')).toEqual([]);
});

import { describe, expect, it } from 'vitest';
import { Forgotten } from '../../../lib/tracker/forgotten.js';

/** How many ended registrations the protocol promises to remember. */
const PROMISED = 65_536;

describe('the memory of ended registrations', () => {
  it('keeps the last 65,536 and lets the older go', () => {
    const forgotten = new Forgotten();
    for (let i = 0; i < PROMISED + 10; i++) forgotten.add(`r${i}`);
    expect(forgotten.has('r9')).toBe(false);
    expect(forgotten.has('r10')).toBe(true);
    expect(forgotten.has(`r${PROMISED + 9}`)).toBe(true);
  });

  it('takes no place for one that it remembers already', () => {
    const forgotten = new Forgotten();
    for (let i = 0; i < PROMISED; i++) forgotten.add(`r${i}`);
    for (let i = 0; i < 100; i++) forgotten.add('r5');
    expect(forgotten.has('r0')).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { MovePace } from '../../../lib/handoff/move-pace.js';

describe('how many workers must move at a time', () => {
  it('is not known before one has moved', () => {
    expect(new MovePace().needed(1_000, 100)).toBe(0);
  });

  it('follows from how long they are away, how many are left, and for how long', () => {
    const pace = new MovePace();
    pace.moved(500);
    expect(pace.needed(100, 10_000)).toBe(5);
    expect(pace.needed(101, 10_000)).toBe(6);
    expect(pace.needed(100, -1)).toBe(50_000);
    for (let i = 0; i < 100; i++) pace.moved(100);
    expect(pace.needed(1_000, 10_000)).toBeLessThan(12);
    pace.reset();
    expect(pace.needed(1_000, 10_000)).toBe(0);
  });
});

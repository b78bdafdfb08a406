import { describe, expect, it } from 'vitest';
import { MoveWindow } from '../../../lib/handoff/move-window.js';

const MOST = 64;

/** As many moves as the window allows, all away for so long; returns when they have ended. */
function round(window: MoveWindow, began: number, awayMs: number): number {
  const size = window.size;
  for (let i = 0; i < size; i++) window.moved(began, began + awayMs);
  return began + awayMs;
}

describe('the number of workers that move at a time', () => {
  it('doubles per round while none is away for long, up to the most that is allowed', () => {
    const window = new MoveWindow(MOST);
    const sizes = [window.size];
    for (let at = 0, i = 0; i < 4; i++) {
      at = round(window, at, 5);
      sizes.push(window.size);
    }
    expect(sizes).toEqual([8, 16, 32, 64, 64]);
  });

  it('is decreased once per round when they are away for long, and never to none', () => {
    const window = new MoveWindow(MOST);
    let at = 0;
    for (let i = 0; i < 3; i++) at = round(window, at, 5);
    at = round(window, at, 100);
    expect(window.size).toBe(48);
    for (let i = 0; i < 50; i++) at = round(window, at, 100);
    expect(window.size).toBe(6);
    round(window, at, 5);
    expect(window.size).toBe(12);
  });

  it('grows slowly while they are away for neither', () => {
    const window = new MoveWindow(MOST);
    round(window, 0, 15);
    expect(window.size).toBeGreaterThan(8);
    expect(window.size).toBeLessThan(12);
  });

  it('begins again when the nodes have changed, and is never more than what is allowed', () => {
    const window = new MoveWindow(MOST);
    round(window, 0, 5);
    window.reset();
    expect(window.size).toBe(8);
    expect(new MoveWindow(3).size).toBe(3);
  });
});

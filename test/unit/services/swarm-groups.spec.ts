import { describe, expect, it, vi } from 'vitest';
import { InvalidNameError, NotStartedError } from '../../../lib/errors/index.js';
import { row, servicesOver } from './fake-kernel.js';

describe('SwarmGroups', () => {
  it('joins and leaves by name and by ref', async () => {
    const { groups, refs, kernel } = servicesOver([]).start();
    await groups.join('g', 'a');
    await groups.leave('g', refs.of({ name: 'b', type: 'Device' }));
    expect(kernel.joinGroup).toHaveBeenCalledWith('g', 'a');
    expect(kernel.leaveGroup).toHaveBeenCalledWith('g', 'b');
  });

  it('lists and publishes', () => {
    const { groups, kernel } = servicesOver([row('a')]).start();
    expect(groups.members('g').map(({ name }) => name)).toEqual(['a']);
    expect(groups.groups()).toEqual(['g']);
    expect(groups.publish('g', 'p', 1)).toBe(3);
    expect(kernel.publish).toHaveBeenCalledWith('g', 'p', 1);
  });

  it('multiCall leaves out failures and undefined, and nothing else; multiCallSettled tells all', async () => {
    const multiCall = vi.fn(async () => [
      { row: row('a'), value: 1 },
      { row: row('b'), value: undefined },
      { row: row('c'), error: new Error('no') },
      { row: row('d'), value: null },
      { row: row('e'), value: 0 },
    ]);
    const { groups } = servicesOver([], { multiCall }).start();
    expect(await groups.multiCall('g', 'p', 1)).toEqual([1, null, 0]);
    const outcomes = await groups.multiCallSettled('g', 'p', 1, { timeoutMs: 7 });
    expect(outcomes.map(({ member, error, value }) => [member.name, error?.message ?? value])).toEqual([
      ['a', 1],
      ['b', undefined],
      ['c', 'no'],
      ['d', null],
      ['e', 0],
    ]);
    expect(multiCall).toHaveBeenLastCalledWith('g', { pattern: 'p', data: 1, timeoutMs: 7, chain: [] });
  });

  it('refuses what is no group, member or pattern, and everything before the start', async () => {
    const { groups } = servicesOver([]).start();
    await expect(groups.join('', 'a')).rejects.toThrow(InvalidNameError);
    await expect(groups.leave('g', '')).rejects.toThrow(InvalidNameError);
    await expect(groups.multiCall('g', '')).rejects.toThrow(InvalidNameError);
    expect(() => groups.members('')).toThrow(InvalidNameError);
    expect(() => groups.publish('', 'p')).toThrow(InvalidNameError);
    expect(() => groups.publish('g', '')).toThrow(InvalidNameError);
    const early = servicesOver([]).groups;
    await expect(early.join('g', 'a')).rejects.toThrow(NotStartedError);
    await expect(early.multiCallSettled('g', 'a')).rejects.toThrow(NotStartedError);
    expect(() => early.groups()).toThrow(NotStartedError);
  });
});

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ShuttingDownError } from '../../../lib/errors/index.js';
import { servicesOver } from './fake-kernel.js';

describe('a worker ref', () => {
  it('is described to the codec by name and type, other objects are not', () => {
    const { refs } = servicesOver([]);
    const made = refs.make('a', 'Device');
    expect(refs.describe(made)).toEqual({ name: 'a', type: 'Device' });
    expect(servicesOver([]).refs.describe(made)).toEqual({ name: 'a', type: 'Device' });
    expect(refs.describe({ name: 'a', type: 'Device' })).toBeUndefined();
  });

  it('can be printed after the node has stopped, and does not print its node', () => {
    const { refs } = servicesOver([], {
      lookup: () => {
        throw new ShuttingDownError();
      },
    }).start();
    const ref = refs.make('a', 'Device');
    expect(JSON.stringify(ref)).toBe('{"name":"a","type":"Device"}');
    expect(inspect(ref)).toBe("SwarmWorkerRef { name: 'a', type: 'Device' }");
  });
});

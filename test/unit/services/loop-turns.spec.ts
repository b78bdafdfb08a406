import { describe, expect, it } from 'vitest';
import { SwarmWorker } from '../../../lib/decorators/index.js';
import { row, servicesOver } from './fake-kernel.js';

/** More questions than are asked in the time between two turns that are due. */
const MANY = 1_000_000;

@SwarmWorker()
class Device {}

type Services = ReturnType<ReturnType<typeof servicesOver>['start']>;

const QUESTIONS: ReadonlyArray<readonly [name: string, ask: (services: Services) => Promise<unknown>]> = [
  ['registry.register', ({ registry }) => registry.register('lamp', Device)],
  ['registry.registerOrGet', ({ registry }) => registry.registerOrGet('lamp', Device)],
  ['registry.registerLocal', ({ registry }) => registry.registerLocal('lamp', new Device())],
  ['registry.unregister', ({ registry }) => registry.unregister('lamp')],
  ['registry.locate', ({ registry }) => registry.locate('lamp')],
  ['registry.call', ({ registry }) => registry.call('lamp', 'ping')],
  ['ref.call', ({ refs }) => refs.of(row('lamp')).call('ping')],
  ['groups.join', ({ groups }) => groups.join('lamps', 'lamp')],
  ['groups.leave', ({ groups }) => groups.leave('lamps', 'lamp')],
  ['groups.multiCall', ({ groups }) => groups.multiCall('lamps', 'ping')],
  ['groups.multiCallSettled', ({ groups }) => groups.multiCallSettled('lamps', 'ping')],
  ['cluster.ready', ({ cluster }) => cluster.ready()],
  ['cluster.settled', ({ cluster }) => cluster.settled()],
  ['cluster.drain', ({ cluster }) => cluster.drain()],
];

/** Asks until the event loop has had its turn. */
async function turnsWhileAsking(ask: () => Promise<unknown>): Promise<boolean> {
  const loop = { turned: false };
  setImmediate(() => (loop.turned = true));
  for (let count = 0; !loop.turned && count < MANY; count++) await ask().catch(() => undefined);
  return loop.turned;
}

describe('the event loop has its turn while an application asks again and again', () => {
  it.each(QUESTIONS)('%s', async (_, ask) => {
    const services = servicesOver([row('lamp')], { multiCall: async () => [] }).start();
    expect(await turnsWhileAsking(() => ask(services))).toBe(true);
  });

  it.each(QUESTIONS)('%s, of a node that is not started', async (_, ask) => {
    const services = servicesOver([]);
    expect(await turnsWhileAsking(() => ask(services))).toBe(true);
  });
});

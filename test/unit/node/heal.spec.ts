import { describe, expect, it } from 'vitest';
import { ring, staticQuorumRing } from '../../../lib/distribution/index.js';
import { KernelSwarm, workerType, type KernelSwarmNode } from './support/kernel-swarm.js';

const LEFT = [0, 1, 2];
const RIGHT = [0, 1];
/** Of each type. */
const NAMES = 20;
/** How often every name is called from every node. */
const CALL_EVERY_MS = 1;
/** How much later than the others two nodes meet. */
const LATE_MS = 1_300;

interface Halves {
  readonly swarm: KernelSwarm;
  readonly sides: readonly [KernelSwarmNode[], KernelSwarmNode[]];
  readonly names: readonly string[];
}

/** Five nodes that are cut into sides of which each has given up the other, and runs every name that it may. */
async function cut(): Promise<Halves> {
  const swarm = new KernelSwarm();
  const nodes = await swarm.form(LEFT.length + RIGHT.length, {
    types: [
      workerType('Ring', { strategy: ring() }),
      workerType('Once', { strategy: staticQuorumRing({ size: 3 }) }),
    ],
    kernel: { callTimeoutMs: 2_000 },
  });
  const names: string[] = [];
  for (const type of ['Ring', 'Once']) {
    for (let index = 0; index < NAMES; index++) {
      const name = `${type}-${index}`;
      names.push(name);
      await swarm.settle(nodes[index % nodes.length]!.kernel.register(name, type, undefined, {}));
    }
  }
  const sides = [nodes.slice(0, LEFT.length), nodes.slice(LEFT.length)] as const;
  for (const a of sides[0]) for (const b of sides[1]) swarm.network.cut(a.key, b.key);
  for (const side of sides) {
    await swarm.until(() => side.every(({ kernel }) => kernel.nodes().length === side.length));
    const runs = ({ kernel }: KernelSwarmNode): boolean =>
      names.every((name) => !name.startsWith('Ring') || kernel.lookup(name) !== undefined);
    await swarm.until(() => side.every(runs));
  }
  return { swarm, sides, names };
}

/** Calls every name from every node that does not see where it is while the sides meet; what callers were told, beside answers. */
async function callWhile({ swarm, sides, names }: Halves, meet: () => Promise<void>): Promise<string[]> {
  const told: string[] = [];
  let goesOn = true;
  const turn = (): void => {
    if (!goesOn) return;
    for (const { key, kernel } of sides.flat()) {
      for (const name of names) {
        if (kernel.lookup(name)) continue;
        const at = swarm.scheduler.now;
        kernel
          .call(name, { pattern: 'echo', data: 1, timeoutMs: undefined, chain: [] })
          .catch(({ code }: { code: string }) => {
            told.push(`${code} "${name}" from ${key}, called at ${at}, told at ${swarm.scheduler.now}`);
          });
      }
    }
    swarm.nodes[0]!.runtime.after(CALL_EVERY_MS, turn);
  };
  turn();
  await meet();
  goesOn = false;
  await swarm.scheduler.advance(3_000);
  return told;
}

describe('sides of a cut that meet again', () => {
  it.each(LEFT.flatMap((left) => RIGHT.map((right) => [left, right] as const)))(
    'do not tell who calls a name that it is not there, although node %i of one and node %i of the other meet late',
    async (left, right) => {
      const halves = await cut();
      const { swarm, sides } = halves;
      const told = await callWhile(halves, async () => {
        for (const a of LEFT) {
          for (const b of RIGHT)
            if (a !== left || b !== right) swarm.network.healBetween(sides[0][a]!.key, sides[1][b]!.key);
        }
        await swarm.scheduler.advance(LATE_MS);
        swarm.network.heal();
        await swarm.scheduler.advance(4_000);
      });
      expect(told.filter((one) => one.startsWith('ERR_SWARM_WORKER_NOT_FOUND'))).toEqual([]);
    },
  );
});

describe('a node that meets one of two others', () => {
  it('does not say that nobody has a name before it has met the other, too', async () => {
    const swarm = new KernelSwarm();
    const [a, b, c] = await swarm.form(3);
    for (const { key } of [a!, c!]) swarm.network.cut(key, b!.key);
    await swarm.until(() => b!.kernel.nodes().length === 1 && a!.kernel.nodes().length === 2);
    const names = Array.from({ length: NAMES }, (_, index) => swarm.nameFor(c!, `device-${index}`));
    for (const name of names) await swarm.settle(c!.kernel.register(name, 'Device', undefined, {}));
    swarm.network.healBetween(a!.key, b!.key);
    await swarm.until(() => b!.kernel.nodes().length === 2);
    // All that the first has to tell was read.
    await swarm.scheduler.advance(20);
    expect(b!.kernel.nodes().map(({ id }) => id)).not.toContain(c!.kernel.self.id);
    const own = names.filter((name) => b!.kernel.ownerOf(name, 'Device') === b!.kernel.self.id);
    expect(own.length).toBeGreaterThan(0);
    const echo = { pattern: 'echo', data: 7, timeoutMs: undefined, chain: [] };
    for (const name of own) expect(await swarm.outcome(b!.kernel.call(name, echo))).toBe(7);
  });
});

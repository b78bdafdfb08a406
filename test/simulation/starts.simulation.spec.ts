import { expect, it } from 'vitest';
import { staticQuorumRing } from '../../lib/distribution/index.js';
import { FrameKind } from '../../lib/transport/frame.js';
import type { WorkerContext } from '../../lib/workers/worker-context.js';
import type { WorkerDefinition } from '../../lib/workers/worker-definition.interface.js';
import { changedCounter } from './changed-counter.js';
import { type SimulatedApp, type SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

const NAMES = Array.from({ length: 200 }, (_, i) => `name-${i}`);
/** Longer than any move of a worker at rest takes, much shorter than a start that hangs. */
const PROMPT_MS = 1_500;

type Start = NonNullable<WorkerDefinition['start']>;

/** The type `Counter` with another start; `start` is that which it has. */
function counterOf(
  app: SimulatedApp,
  changed: (start: Start) => Partial<WorkerDefinition>,
): ReadonlyMap<string, WorkerDefinition> {
  return changedCounter(app, (counter) =>
    changed((instance, context, args) => counter.start?.(instance, context, args)),
  );
}

/** One node, on which the worker `name` was started and has broken down; all that it does about it is done. */
async function brokenDown(changed: (start: Start) => Partial<WorkerDefinition>): Promise<SimulatedSwarm> {
  const swarm = new SimulatedSwarm({ seed: 3, definitions: (app) => counterOf(app, changed) });
  await swarm.form(1);
  const { kernel } = swarm.nodes[0]!;
  await swarm.settle(kernel.register('name', 'Counter', {}, {}));
  const call = { pattern: 'breakDown', data: undefined, timeoutMs: undefined, chain: [] };
  await swarm.settle(kernel.call('name', call));
  await swarm.advance(20_000);
  return swarm;
}

it('a start that says that it fails, and throws, has failed once', async () => {
  let starts = 0;
  const { nodes, story } = await brokenDown((start) => ({
    supervision: { restart: 'transient', maxRestarts: 5, withinMs: 60_000 },
    async start(instance, context, args) {
      if (++starts > 1 && starts <= 5) {
        context.fail(new Error('it has broken'));
        throw new Error('it has broken');
      }
      await start(instance, context, args);
    },
  }));
  expect(nodes[0]!.kernel.lookup('name'), story.join('\n')).toBeDefined();
  expect(starts).toBe(6);
});

it('a start that wishes to stop, and throws, is not started again', async () => {
  let starts = 0;
  const { nodes } = await brokenDown((start) => ({
    async start(instance, context, args) {
      if (++starts > 1) {
        context.stop();
        throw new Error('it has broken');
      }
      await start(instance, context, args);
    },
  }));
  expect([...nodes[0]!.kernel.rows({})]).toEqual([]);
  expect(starts).toBe(2);
});

/** A node that starts a worker slowly is cut off from the others, which go on with it. */
class Isolation {
  readonly swarm: SimulatedSwarm;
  private readonly contexts = new Map<string, WorkerContext>();
  private slow = '';

  constructor(takesMs: number, throws: boolean, hasQuorum = true) {
    this.swarm = new SimulatedSwarm({
      seed: 3,
      definitions: (app) =>
        counterOf(app, (start) => ({
          ...(hasQuorum && { strategy: staticQuorumRing({ size: 2 }) }),
          supervision: { restart: 'transient', maxRestarts: 1, withinMs: 60_000 },
          start: async (instance, context, args) => {
            this.contexts.set(context.name, context);
            if (app.key === this.slow) {
              await new Promise<void>((resolve) => app.runtime.after(takesMs, resolve));
              if (throws) throw new Error('the database is not to be reached');
            }
            await start(instance, context, args);
          },
        })),
    });
  }

  get node(): SimulatedNode {
    return this.swarm.nodes[0]!;
  }

  get other(): SimulatedNode {
    return this.swarm.nodes[1]!;
  }

  /** Until the others go on with the worker, whose name is returned. */
  async begin(again: boolean): Promise<string> {
    const { swarm } = this;
    await swarm.form(3);
    await swarm.advance(5_000);
    const { node, other } = this;
    const { kernel } = node;
    const name = NAMES.find((one) => kernel.ownerOf(one, 'Counter') === kernel.self.id)!;
    if (again) await swarm.settle(kernel.register(name, 'Counter', {}, {}));
    this.slow = node.key;
    if (again) this.contexts.get(name)!.fail(new Error('it has broken'));
    else kernel.register(name, 'Counter', {}, {}).catch(() => undefined);
    await swarm.advance(300);
    for (const { key } of swarm.nodes) if (key !== node.key) swarm.network.cut(node.key, key);
    const isElsewhere = (): boolean => {
      const at = other.kernel.lookup(name)?.node;
      return at !== undefined && at !== kernel.self.id;
    };
    expect(await swarm.scheduler.runUntil(isElsewhere, 10_000), swarm.story.join('\n')).toBe(true);
    return name;
  }

  heal(): void {
    this.slow = '';
    this.swarm.network.heal();
  }
}

it.each([
  ['is given up', 8_000, false],
  ['throws', 4_500, true],
] as const)(
  'a start that %s on a node that is cut off does not end what the others go on with',
  async (_, takesMs, throws) => {
    const isolation = new Isolation(takesMs, throws);
    const { swarm } = isolation;
    const name = await isolation.begin(true);
    await swarm.advance(8_000);
    isolation.heal();
    await swarm.advance(15_000);
    expect(isolation.other.kernel.lookup(name), swarm.story.join('\n')).toBeDefined();
  },
);

/** For so long every call to the worker is answered at once. */
async function expectPrompt({ swarm, other }: Isolation, name: string, forMs: number): Promise<void> {
  for (const until = swarm.now + forMs; swarm.now < until;) {
    await swarm.advance(100);
    const at = swarm.now;
    const call = { pattern: 'total', data: undefined, timeoutMs: 20_000, chain: [] };
    await swarm.settle(other.kernel.call(name, call));
    expect(swarm.now - at, swarm.story.join('\n')).toBeLessThan(PROMPT_MS);
  }
}

it.each(['a registration', 'a restart'] as const)(
  'the start of %s that a fenced node gives up does not hold up what the others go on with',
  async (what) => {
    const isolation = new Isolation(9_000, false);
    const name = await isolation.begin(what === 'a restart');
    isolation.heal();
    await expectPrompt(isolation, name, 12_000);
  },
);

it('a restart on one side of a cut does not hold up what runs on the other when they meet', async () => {
  const isolation = new Isolation(9_500, false, false);
  const name = await isolation.begin(true);
  isolation.heal();
  await expectPrompt(isolation, name, 14_000);
});

it('what a worker was told after it had come to run is kept, although it was offered to another while it was started', async () => {
  let begun: (() => void) | undefined;
  let isOffered = false;
  const swarm = new SimulatedSwarm({
    seed: 3,
    latencyMs: () => 20,
    loses: (_, __, ___, frame) => {
      isOffered ||= frame.kind === FrameKind.Offer;
      return false;
    },
    definitions: (app) =>
      counterOf(app, (start) => ({
        async start(instance, context, args) {
          if (app.key === swarm.nodes[0]!.key) await new Promise<void>((resolve) => (begun = resolve));
          await start(instance, context, args);
        },
      })),
  });
  await swarm.form(2);
  const [slow, other] = swarm.nodes;
  swarm.network.cut(slow!.key, other!.key);
  const isAlone = ({ kernel }: SimulatedNode): boolean => kernel.nodes().length === 1;
  await swarm.scheduler.runUntil(() => swarm.nodes.every(isAlone), 20_000);
  const first = slow!.kernel.register('name', 'Counter', {}, { timeoutMs: 60_000 });
  await swarm.scheduler.runUntil(() => begun !== undefined, 1_000);
  await swarm.settle(other!.kernel.register('name', 'Counter', {}, {}));
  swarm.network.heal();
  expect(await swarm.scheduler.runUntil(() => isOffered, 20_000), swarm.story.join('\n')).toBe(true);
  begun?.();
  await swarm.settle(first);
  const add = { pattern: 'add', data: 'it', timeoutMs: undefined, chain: [] };
  await swarm.settle(slow!.kernel.call('name', add));
  await swarm.advance(5_000);
  for (const { kernel } of swarm.nodes) {
    const total = { pattern: 'total', data: undefined, timeoutMs: undefined, chain: [] };
    expect(await swarm.settle(kernel.call('name', total)), swarm.story.join('\n')).toBe(1);
  }
});

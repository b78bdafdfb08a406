import { describe, expect, it, vi } from 'vitest';
import { Arrivals } from '../../lib/handoff/arrivals.js';
import type { KernelNode } from '../../lib/node/kernel-node.js';
import { FrameKind, type Frame } from '../../lib/transport/frame.js';
import type { WorkerContext } from '../../lib/workers/worker-context.js';
import { seeds } from '../support/seeds.js';
import { changedCounter } from './changed-counter.js';
import { Load } from './load.js';
import { type SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

const SEEDS = seeds(40);
const TIMEOUT_MS = 1_800_000;
const NAMES = Array.from({ length: 60 }, (_, index) => `name-${index}`);

async function started(seed: number, nodes: number, plan: object = {}): Promise<SimulatedSwarm> {
  const swarm = new SimulatedSwarm({ seed });
  await form(swarm, nodes, plan);
  return swarm;
}

/** Forms a swarm and registers all names. */
async function form(swarm: SimulatedSwarm, nodes: number, plan: object = {}): Promise<KernelNode> {
  await swarm.form(nodes);
  const { kernel } = swarm.nodes[0]!;
  await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Counter', plan, {}))));
  return kernel;
}

/** Every name lives once, where it belongs, and all registries say so. */
async function expectAtRest(swarm: SimulatedSwarm, what: string): Promise<void> {
  await swarm.settle(Promise.all(swarm.alive.map(({ kernel }) => kernel.settled({}))));
  await swarm.advance(2_000);
  const story = `${what}\n${swarm.story.join('\n')}`;
  const views = swarm.alive.map(({ kernel }) =>
    JSON.stringify([...kernel.rows({})].map(({ name, node, fence }) => [name, node, fence]).sort()),
  );
  expect(new Set(views).size, story).toBe(1);
  const { kernel } = swarm.alive[0]!;
  for (const name of NAMES) {
    expect(kernel.lookup(name)?.node, `${name} ${story}`).toBe(kernel.ownerOf(name));
    expect(swarm.activations.nodesOf(name), `${name} ${story}`).toHaveLength(1);
  }
  expect(swarm.activations.violations, story).toEqual([]);
}

describe(`over ${SEEDS.length} seeds, under constant load`, () => {
  it('no call fails and nothing is lost while nodes join and leave', { timeout: TIMEOUT_MS }, async () => {
    for (const seed of SEEDS) {
      const swarm = await started(seed, 3);
      const load = new Load(swarm, NAMES, 2);
      for (let step = 0; step < 6; step++) {
        await swarm.advance(swarm.random() * 600);
        const grows = swarm.alive.length < 3 || swarm.random() < 0.5;
        if (grows) await swarm.settle(swarm.boot().started);
        else await leave(swarm, load);
      }
      await swarm.advance(500);
      await load.end();
      const story = `seed ${seed}\n${swarm.story.join('\n')}`;
      expect(load.failures, story).toEqual([]);
      await expectAtRest(swarm, `seed ${seed}`);
      expect(await load.differences(), story).toEqual([]);
      // Some round trips of up to 10 ms each, and handlers of 30 ms.
      expect(load.worstMs, story).toBeLessThan(200);
    }
  });

  it('all nodes are replaced one by one', { timeout: TIMEOUT_MS }, async () => {
    for (const seed of SEEDS.slice(0, Math.ceil(SEEDS.length / 4))) {
      const swarm = await started(seed, 3);
      const load = new Load(swarm, NAMES, 2);
      for (const old of swarm.nodes.slice(0, 3)) {
        await swarm.settle(swarm.boot().started);
        load.silence(old);
        const report = await swarm.settle(swarm.stop(old));
        expect(report.left, `seed ${seed}\n${swarm.story.join('\n')}`).toEqual([]);
      }
      await load.end();
      expect(load.failures, `seed ${seed}\n${swarm.story.join('\n')}`).toEqual([]);
      await expectAtRest(swarm, `seed ${seed}`);
      expect(await load.differences(), `seed ${seed}`).toEqual([]);
    }
  });

  async function leave(swarm: SimulatedSwarm, load: Load): Promise<void> {
    const node = swarm.alive[Math.floor(swarm.random() * swarm.alive.length)]!;
    load.silence(node);
    const report = await swarm.settle(swarm.stop(node));
    expect(report.left, swarm.story.join('\n')).toEqual([]);
  }
});

/** What happens to a target, or to the link with it, when the n-th frame of a kind has been sent. */
type Accident = 'crash' | 'break' | 'cut';
const STEPS = ['Prepare', 'Prepared', 'Decide'] as const;

const FEW_SEEDS = SEEDS.slice(0, Math.ceil(SEEDS.length / 10));

describe(`a handoff, over ${FEW_SEEDS.length} seeds, whose other side`, () => {
  const cases = STEPS.flatMap((step) =>
    (['crash', 'break', 'cut'] as const).flatMap((accident) =>
      (['target', 'source'] as const).map((victim) => ({ step, accident, victim })),
    ),
  );

  it.each(cases)(
    'suffers a $accident of the $victim at $step leaves every worker alive once',
    { timeout: TIMEOUT_MS },
    async (what) => {
      for (const seed of FEW_SEEDS) {
        const { swarm, load, happened } = await suffer(seed, what);
        const story = `seed ${seed}\n${swarm.story.join('\n')}`;
        expect(happened(), `${story}: nothing happened`).toBe(true);
        await swarm.advance(6_000);
        await expectAtRest(swarm, `seed ${seed}`);
        // Only a crash loses states, and messages that were on their way.
        if (what.accident === 'crash') continue;
        for (const failure of load.failures) expect(failure, story).toMatch(/ERR_SWARM_NODE_UNAVAILABLE/);
        const lost = (await load.differences()).filter(({ total, counted }) => total < counted);
        expect(lost, story).toEqual([]);
      }
    },
  );

  it('does not wait for the word of the source counts what was counted already', async () => {
    const begins = vi.spyOn(Arrivals.prototype as unknown as { isDecided(): boolean }, 'isDecided');
    begins.mockReturnValue(true);
    const swarm = await started(1, 3);
    const load = new Load(swarm, NAMES, 2);
    await swarm.settle(swarm.boot().started);
    await swarm.advance(20_000);
    await load.end();
    expect(await load.differences()).not.toEqual([]);
    begins.mockRestore();
  });

  /** A fourth node joins under load, and the accident happens at the first or second frame of that step. */
  async function suffer(
    seed: number,
    {
      step,
      accident,
      victim,
    }: { step: (typeof STEPS)[number]; accident: Accident; victim: 'target' | 'source' },
  ): Promise<{ swarm: SimulatedSwarm; load: Load; happened: () => boolean }> {
    let armed = false;
    let frames = 0;
    let happens: ((from: string, to: string) => void) | undefined;
    const swarm = new SimulatedSwarm({
      seed,
      loses: (_, from, to, frame: Frame) => {
        if (armed && frame.kind === FrameKind[step] && ++frames > seed % 2) {
          armed = false;
          happens?.(`${from.host}:${from.port}`, `${to.host}:${to.port}`);
        }
        return false;
      },
    });
    await form(swarm, 3);
    const load = new Load(swarm, NAMES, 2);
    happens = (from, to) => {
      const [source, target] = step === 'Prepared' ? [to, from] : [from, to];
      const key = victim === 'target' ? target : source;
      swarm.tell(`at ${step} from ${from} to ${to}: ${accident} of ${key}`);
      befall(swarm, accident, key, key === source ? target : source);
    };
    armed = true;
    const { started: up } = swarm.boot();
    await swarm.settle(up.catch(() => undefined));
    await swarm.advance(2_000);
    await load.end();
    return { swarm, load, happened: () => !armed };
  }

  function befall(swarm: SimulatedSwarm, accident: Accident, key: string, other: string): void {
    const node = swarm.nodes.find((one) => one.key === key && one.alive);
    if (accident === 'crash' && node) swarm.scheduler.schedule(swarm.now, () => swarm.crash(node, true));
    else if (accident === 'break') {
      swarm.scheduler.schedule(swarm.now, () => swarm.network.breakLink(key, other));
    } else if (accident === 'cut') {
      swarm.scheduler.schedule(swarm.now, () => swarm.network.cut(key, other));
      swarm.scheduler.schedule(swarm.now + 1_500, () => swarm.network.heal());
    }
  }
});

it('a worker that stops itself where it arrives is stopped, also if its source dies before it has let go of it', async () => {
  let isJoining = false;
  let source: SimulatedNode | undefined;
  const stopped = new Set<string>();
  const swarm = new SimulatedSwarm({
    seed: 3,
    loses: (_, __, to, frame) => {
      if (!isJoining || source || frame.kind !== FrameKind.Prepared) return false;
      source = swarm.nodes.find(({ key }) => key === `${to.host}:${to.port}`)!;
      swarm.scheduler.schedule(swarm.now, () => swarm.crash(source!, true));
      return true;
    },
    definitions: (app) =>
      changedCounter(app, (counter) => ({
        start(instance, context, args) {
          if (isJoining && app.key === swarm.nodes.at(-1)!.key) {
            stopped.add(context.name);
            context.stop();
          }
          return counter.start?.(instance, context, args);
        },
      })),
  });
  await form(swarm, 3);
  isJoining = true;
  await swarm.settle(swarm.boot().started);
  await swarm.advance(10_000);
  expect(source?.alive, 'it has died').toBe(false);
  expect(stopped.size).toBeGreaterThan(0);
  for (const name of stopped)
    for (const node of swarm.alive)
      expect(node.kernel.lookup(name), `${name} ${swarm.story.join('\n')}`).toBeUndefined();
});

it('a group that a worker joins while it is prepared elsewhere is kept if its source dies before it has let go of it', async () => {
  let isJoining = false;
  let source: SimulatedNode | undefined;
  const prepared = new Set<string>();
  const swarm = new SimulatedSwarm({
    seed: 3,
    loses: (_, __, to, frame) => {
      if (!isJoining || frame.kind !== FrameKind.Prepared) return false;
      const at = `${to.host}:${to.port}`;
      source ??= swarm.nodes.find(({ key }) => key === at)!;
      if (source.key !== at) return false;
      for (const [name] of frame.results) prepared.add(name);
      return true;
    },
  });
  await form(swarm, 3);
  isJoining = true;
  await swarm.settle(swarm.boot().started);
  expect(await swarm.scheduler.runUntil(() => prepared.size > 0, 5_000)).toBe(true);
  const names = [...prepared].sort();
  await swarm.settle(Promise.all(names.map((name) => source!.kernel.joinGroup('group', name))));
  await swarm.advance(20);
  const members = (): string[][] =>
    swarm.alive.map(({ kernel: one }) =>
      one
        .members('group')
        .map(({ name }) => name)
        .sort(),
    );
  expect(members(), swarm.story.join('\n')).toEqual(swarm.alive.map(() => names));
  swarm.crash(source!);
  await swarm.advance(10_000);
  expect(members(), swarm.story.join('\n')).toEqual(swarm.alive.map(() => names));
});

it('a worker that has failed and is unregistered while it ends does not go on elsewhere', async () => {
  const contexts = new Map<string, WorkerContext>();
  const swarm = new SimulatedSwarm({
    seed: 3,
    definitions: (app) =>
      changedCounter(app, (counter) => ({
        start(instance, context, args) {
          contexts.set(context.name, context);
          return counter.start?.(instance, context, args);
        },
        async die(instance, reason) {
          await new Promise<void>((resolve) => app.runtime.after(4_000, resolve));
          counter.die?.(instance, reason);
        },
      })),
  });
  const kernel = await form(swarm, 3);
  for (const context of contexts.values()) context.fail(new Error('it has broken'));
  await swarm.advance(10);
  const ended = Promise.all(NAMES.map((name) => kernel.unregister(name)));
  await swarm.settle(swarm.boot().started);
  expect(await swarm.settle(ended)).toEqual(NAMES.map(() => true));
  await swarm.advance(10_000);
  for (const node of swarm.alive) expect([...node.kernel.rows({})], swarm.story.join('\n')).toEqual([]);
});

describe('a worker that will not move', () => {
  it.each(['throws', 'hangs', 'ignores', 'end-throws', 'end-hangs'] as const)(
    'because its handoff %s stays, runs on, and is asked again',
    async (handoff) => {
      const swarm = await started(7, 2, { handoff });
      const before = new Map(NAMES.map((name) => [name, swarm.nodes[0]!.kernel.lookup(name)!.node]));
      const prepare = vi.spyOn(Arrivals.prototype, 'onPrepare');
      const load = new Load(swarm, NAMES, 2);
      await swarm.settle(swarm.boot().started);
      await swarm.advance(15_000);
      await load.end();
      const story = swarm.story.join('\n');
      // A handler waits for its worker as long as a step of the handoff may take, and so may callers.
      for (const failure of load.failures) expect(failure, story).toMatch(/ERR_SWARM_CALL_TIMEOUT/);
      if (handoff === 'throws' || handoff === 'ignores') expect(load.failures, story).toEqual([]);
      for (const name of NAMES) {
        expect(swarm.nodes[0]!.kernel.lookup(name)?.node, `${name}\n${story}`).toBe(before.get(name));
        expect(swarm.activations.nodesOf(name), `${name}\n${story}`).toHaveLength(1);
      }
      expect(swarm.activations.violations, story).toEqual([]);
      expect(prepare.mock.calls.length > 0, story).toBe(handoff.startsWith('end'));
      prepare.mockRestore();
    },
  );
});

// Groups belong to the worker: they go where it goes, and whoever speaks to a group speaks to all of it, each member once.
import { describe, expect, it } from 'vitest';
import { type Frame, FrameKind } from '../../lib/transport/frame.js';
import { type SimulatedNode, SimulatedSwarm } from '../simulation/simulated-swarm.js';
import { type RecordedType, Recorder } from './support/recorded-workers.js';
import { seeds } from '../support/seeds.js';
import { call, membersOf, namesOf, registryOf, storyOf, until, untilAtRest } from './support/swarm-view.js';

const NAMES = Array.from({ length: 24 }, (_, index) => `member-${String(index).padStart(2, '0')}`);
const GROUP = 'all';
/** Every third worker is in this group too, by its own wish at its start. */
const THIRDS = 'thirds';
const IN_THIRDS = NAMES.filter((_, index) => index % 3 === 0);

interface Scene {
  readonly swarm: SimulatedSwarm;
  readonly recorder: Recorder;
}

async function members(
  seed: number,
  nodes: number,
  type: Partial<RecordedType> = {},
  onFrame: (frame: Frame) => void = () => undefined,
): Promise<Scene> {
  const recorder = new Recorder();
  const definitions = recorder.definitions({ type: 'Member', ...type });
  const swarm = new SimulatedSwarm({
    seed,
    definitions,
    loses(_random, _from, _to, frame) {
      onFrame(frame);
      return false;
    },
  });
  await swarm.form(nodes);
  const { kernel } = swarm.nodes[0]!;
  const argsOf = (name: string): object => ({ joins: IN_THIRDS.includes(name) ? [THIRDS] : [] });
  await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Member', argsOf(name), {}))));
  await untilAtRest(swarm);
  await swarm.settle(Promise.all(NAMES.map((name) => kernel.joinGroup(GROUP, name))));
  await untilAtRest(swarm);
  return { swarm, recorder };
}

/** Not one that joins or leaves just now. */
function isUp({ kernel }: SimulatedNode): boolean {
  return kernel.self.status === 'up';
}

function anyUp(swarm: SimulatedSwarm): SimulatedNode {
  const up = swarm.alive.filter(isUp);
  return up[Math.floor(swarm.random() * up.length)]!;
}

/** Nodes come and go; each way out hands its workers off. */
async function comeAndGo(swarm: SimulatedSwarm, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await swarm.advance(swarm.random() * 400);
    if (swarm.alive.length < 3 || swarm.random() < 0.5) await swarm.settle(swarm.boot().started);
    else {
      const { left } = await swarm.settle(swarm.stop(anyUp(swarm)));
      expect(left, storyOf(swarm)).toEqual([]);
    }
  }
  await swarm.advance(500);
}

/** Calls `task` every few milliseconds, also while the swarm is busy; the returned function ends it. */
function every(swarm: SimulatedSwarm, ms: number, task: () => void): () => void {
  let running = true;
  const next = (): void => {
    if (!running) return;
    task();
    swarm.scheduler.schedule(swarm.now + ms * (0.5 + swarm.random()), next);
  };
  swarm.scheduler.schedule(swarm.now, next);
  return () => (running = false);
}

function movedAnything(recorder: Recorder): boolean {
  return recorder.ended.some(({ reason }) => reason === 'moved' || reason === 'drained');
}

describe('groups', () => {
  it.each(['resume', 'restart'] as const)(
    'go with a worker that moves (%s), the one joined at its start and the one joined later',
    async (begins) => {
      for (const seed of seeds(5)) {
        const { swarm, recorder } = await members(seed, 2, { begins });
        await comeAndGo(swarm, 5);
        await untilAtRest(swarm);
        expect(movedAnything(recorder), `seed ${seed}`).toBe(true);
        for (const node of swarm.alive) {
          const story = `seed ${seed}, ${node.key}\n${storyOf(swarm)}`;
          expect(membersOf(node, GROUP), story).toEqual(NAMES);
          expect(membersOf(node, THIRDS), story).toEqual(IN_THIRDS);
          expect(node.kernel.groups().sort()).toEqual([GROUP, THIRDS]);
          expect(registryOf(node)).toEqual(registryOf(swarm.alive[0]!));
          for (const { name, node: id } of node.kernel.rows({ group: GROUP })) {
            expect(id, story).toBe(node.kernel.ownerOf(name));
          }
        }
      }
    },
  );

  it('show all members on every node at every moment of a move, and the registry all names', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder } = await members(seed, 3);
      const short: string[] = [];
      const end = every(swarm, 2, () => {
        for (const node of swarm.alive) {
          // One that has just booted has not read the others' rows yet.
          if (!isUp(node)) continue;
          const shown = {
            members: membersOf(node, GROUP).length,
            names: namesOf(node).length,
            count: node.kernel.count(),
            lookups: NAMES.filter((name) => node.kernel.lookup(name) !== undefined).length,
          };
          const missing = Object.entries(shown).filter(([, count]) => count !== NAMES.length);
          if (missing.length > 0) short.push(`${swarm.now.toFixed(0)} ${node.key}: ${missing.join(' ')}`);
        }
      });
      await swarm.settle(swarm.boot().started);
      await swarm.advance(1_000);
      await swarm.settle(swarm.stop(swarm.nodes[1]!));
      await swarm.advance(1_000);
      end();
      expect(movedAnything(recorder)).toBe(true);
      expect(short, `seed ${seed}\n${storyOf(swarm)}`).toEqual([]);
    }
  });

  it('that are joined and left while workers move are as they were left', async () => {
    for (const seed of seeds(5)) {
      const changes: Array<Promise<unknown>> = [];
      const changed = new Set<string>();
      let swarm: SimulatedSwarm | undefined;
      // Once per worker, at one of the steps of its move.
      const wish = (name: string): void => {
        if (!swarm || changed.has(name) || swarm.random() < 0.5) return;
        changed.add(name);
        const { kernel } = anyUp(swarm);
        swarm.scheduler.schedule(swarm.now, () => {
          changes.push(kernel.joinGroup('late', name), kernel.leaveGroup(GROUP, name));
        });
      };
      const onFrame = (frame: Frame): void => {
        if (frame.kind === FrameKind.Prepare) for (const [[name]] of frame.arrivals) wish(name);
        else if (frame.kind === FrameKind.Prepared) for (const [name] of frame.results) wish(name);
        else if (frame.kind === FrameKind.Decide) for (const [name] of frame.decisions) wish(name);
      };
      ({ swarm } = await members(seed, 2, {}, onFrame));
      await swarm.settle(Promise.all([swarm.boot().started, swarm.boot().started]));
      await untilAtRest(swarm);
      await swarm.settle(Promise.all(changes));
      await untilAtRest(swarm);
      expect(changed.size, `seed ${seed}`).toBeGreaterThan(0);
      for (const node of swarm.alive) {
        const story = `seed ${seed}, ${node.key}\n${storyOf(swarm)}`;
        expect(membersOf(node, 'late'), story).toEqual([...changed].sort());
        expect(membersOf(node, GROUP), story).toEqual(NAMES.filter((name) => !changed.has(name)));
      }
    }
  });
});

describe('publish', () => {
  it('during moves reaches every member once', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder } = await members(seed, 3);
      const tokens: string[] = [];
      const addressed = new Set<number>();
      const end = every(swarm, 7, () => {
        const token = `publication ${tokens.length}`;
        tokens.push(token);
        addressed.add(anyUp(swarm).kernel.publish(GROUP, 'note', token));
      });
      await comeAndGo(swarm, 6);
      end();
      await swarm.advance(5_000);
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      expect(movedAnything(recorder), story).toBe(true);
      expect(tokens.length).toBeGreaterThan(100);
      expect([...addressed], story).toEqual([NAMES.length]);
      expectHeardOnce(recorder, tokens, NAMES, story);
    }
  });
});

describe('multiCall', () => {
  it('during moves is answered once by every member', async () => {
    for (const seed of seeds(5)) {
      const { swarm, recorder } = await members(seed, 3);
      const tokens: string[] = [];
      const answers: Array<Promise<string[]>> = [];
      const end = every(swarm, 20, () => {
        const token = `question ${tokens.length}`;
        tokens.push(token);
        const asked = anyUp(swarm).kernel.multiCall(GROUP, {
          pattern: 'ask',
          data: token,
          timeoutMs: undefined,
          chain: [],
        });
        answers.push(
          asked.then((outcomes) =>
            outcomes
              .map((outcome) => ('error' in outcome ? String(outcome.error) : String(outcome.value)))
              .sort(),
          ),
        );
      });
      await swarm.settle(swarm.boot().started);
      await swarm.advance(300);
      await swarm.settle(swarm.boot().started);
      await swarm.advance(1_000);
      end();
      const story = `seed ${seed}\n${storyOf(swarm)}`;
      for (const answered of await swarm.settle(Promise.all(answers))) expect(answered, story).toEqual(NAMES);
      expect(movedAnything(recorder), story).toBe(true);
      expect(tokens.length).toBeGreaterThan(40);
      expectHeardOnce(recorder, tokens, NAMES, story);
    }
  });

  it('reaches the members of a group that have just come to another node', async () => {
    for (const seed of seeds(5)) {
      const { swarm } = await members(seed, 2);
      const { started, node } = swarm.boot();
      await swarm.settle(started);
      await until(swarm, 'one has moved there', () =>
        [...node.kernel.rows({ group: THIRDS })].some((row) => row.node === node.kernel.self.id),
      );
      const asked = node.kernel.multiCall(THIRDS, {
        pattern: 'ask',
        data: 'who?',
        timeoutMs: undefined,
        chain: [],
      });
      const outcomes = await swarm.settle(asked);
      expect(outcomes.map((outcome) => ('value' in outcome ? outcome.value : outcome.error)).sort()).toEqual(
        IN_THIRDS,
      );
      await untilAtRest(swarm);
      expect(await call(swarm, node, NAMES[0]!, 'ask', 'x')).toBe(NAMES[0]);
    }
  });
});

/** Nobody is missed, nobody is told twice. */
function expectHeardOnce(
  { heard }: Recorder,
  tokens: readonly string[],
  names: readonly string[],
  story: string,
): void {
  const counts = new Map<string, number>();
  for (const { name, token } of heard) {
    counts.set(`${token} at ${name}`, (counts.get(`${token} at ${name}`) ?? 0) + 1);
  }
  const expected = tokens.flatMap((token) => names.map((name) => `${token} at ${name}`));
  const missed = expected.filter((one) => !counts.has(one));
  const doubled = [...counts].filter(([, count]) => count > 1).map(([one]) => one);
  expect({ missed, doubled }, story).toEqual({ missed: [], doubled: [] });
}

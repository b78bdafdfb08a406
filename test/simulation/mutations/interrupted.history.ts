// Nodes join under constant load, and links break in the middle of handoffs: every worker lives once afterwards, with
// all that was counted (promises P1, P5), and no message is handled twice.
import { FrameKind, type Frame } from '../../../lib/transport/frame.js';
import type { Address } from '../../../lib/transport/node-info.js';
import type { WorkerContext } from '../../../lib/workers/worker-context.js';
import type { WorkerDefinition } from '../../../lib/workers/worker-definition.interface.js';
import type { SwarmContext } from '../../../lib/workers/swarm-context.js';
import { changedCounter } from '../changed-counter.js';
import { Load } from '../load.js';
import { SimulatedSwarm, type SimulatedApp } from '../simulated-swarm.js';
import { outcomeOf, type Outcome } from './outcome.js';

const NAMES = Array.from({ length: 40 }, (_, index) => `name-${index}`);
const BOOTS = 2;
/** A call in flight every few milliseconds. */
const LOAD_EVERY_MS = 3;
/** One frame of so many, of those that a handoff is made of, is followed by the end of its link. */
const BREAKS_ONE_IN = 4;
/** Until what was interrupted has been asked about, tried again, and is over. */
const REST_MS = 8_000;
/** Where a handoff may be interrupted. */
const STEPS: ReadonlySet<Frame['kind']> = new Set([
  FrameKind.Prepare,
  FrameKind.Prepared,
  FrameKind.Decide,
  FrameKind.Batch,
]);

/** A history of two nodes that join a swarm of three. */
export function interruptedMoves(seed: number): Promise<Outcome> {
  const history = new InterruptedMoves(seed);
  return outcomeOf(history.swarm, history);
}

class InterruptedMoves {
  readonly violations: string[] = [];
  readonly swarm: SimulatedSwarm;
  private moving = false;
  /** Highest fence under which a start of the name has begun. */
  private readonly started = new Map<string, number>();

  constructor(seed: number) {
    this.swarm = new SimulatedSwarm({
      seed,
      loses: (random, from, to, frame) => this.befall(random, from, to, frame),
      definitions: (app) => this.definitionsOf(app),
    });
  }

  async run(): Promise<void> {
    const { swarm, violations } = this;
    await swarm.form(3);
    const { kernel } = swarm.nodes[0]!;
    await swarm.settle(Promise.all(NAMES.map((name) => kernel.register(name, 'Counter', {}, {}))));
    const load = new Load(swarm, NAMES, LOAD_EVERY_MS);
    this.moving = true;
    for (let i = 0; i < BOOTS; i++) {
      await swarm.settle(swarm.boot().started);
      await swarm.advance(500 + swarm.random() * 1_000);
    }
    this.moving = false;
    await swarm.advance(500);
    await load.end();
    await swarm.advance(REST_MS);
    // Who sent a message over a link that broke cannot know what became of it.
    for (const failure of load.failures)
      if (!failure.includes('ERR_SWARM_NODE_UNAVAILABLE')) violations.push(`P5: a call failed ${failure}`);
    this.checkNames();
    violations.push(...swarm.activations.violations);
    for (const { name, total, counted } of await load.differences())
      if (total < counted) violations.push(`P5: "${name}" counts ${total} of ${counted} answered additions`);
  }

  private checkNames(): void {
    const { swarm, violations } = this;
    const { kernel } = swarm.alive[0]!;
    for (const name of NAMES) {
      const [row, owner] = [kernel.lookup(name), kernel.ownerOf(name, 'Counter')];
      const nodes = swarm.activations.nodesOf(name);
      if (nodes.length > 1) violations.push(`P1: at rest "${name}" lives on ${nodes.join(' and ')}`);
      if (!row || nodes.length === 0) violations.push(`P5: "${name}" is gone, on the way to ${owner}`);
      else if (row.node !== owner) violations.push(`P5: "${name}" is on ${row.node} and belongs to ${owner}`);
    }
  }

  /** The frame travels, and is lost with its link if it is not there yet. */
  private befall(random: () => number, from: Address, to: Address, { kind }: Frame): boolean {
    if (!this.moving || !STEPS.has(kind) || random() * BREAKS_ONE_IN >= 1) return false;
    const [a, b] = [keyOf(from), keyOf(to)];
    const { swarm } = this;
    swarm.scheduler.schedule(swarm.now + random() * 4, () => {
      swarm.tell(`break the link ${a} ${b}`);
      swarm.network.breakLink(a, b);
    });
    return false;
  }

  /** Whoever refuses outdated writers by `ctx.fence` has seen that of the latest start. */
  private definitionsOf(app: SimulatedApp): ReadonlyMap<string, WorkerDefinition> {
    const { started, violations } = this;
    const watch = (definition: WorkerDefinition): Partial<WorkerDefinition> => ({
      start(instance, context: WorkerContext, args) {
        started.set(context.name, Math.max(context.fence, started.get(context.name) ?? 0));
        return definition.start?.(instance, context, args);
      },
      handler(pattern) {
        const handler = definition.handler(pattern);
        return (
          handler && {
            ...handler,
            invoke(instance: object, payload: unknown, context: SwarmContext) {
              const { name, fence } = context.worker;
              const newest = started.get(name) ?? 0;
              if (fence < newest)
                violations.push(
                  `P1: "${name}" handled a message on ${app.key} under ${fence}, started under ${newest}`,
                );
              return handler.invoke(instance, payload, context);
            },
          }
        );
      },
    });
    return changedCounter(app, watch);
  }
}

function keyOf({ host, port }: Address): string {
  return `${host}:${port}`;
}

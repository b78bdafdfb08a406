// A swarm with many names to which things happen that touch all of them, and how long each task of it took.
import { KernelSwarm, workerType, type KernelSwarmNode } from '../../unit/node/support/kernel-swarm.js';
import { Collections } from './collections.js';
import { MeasuredScheduler } from './measured.scheduler.js';
import { Tables } from './tables.js';

const TYPE = workerType('Device');
const NODES = 3;
/** As long as it takes: what is looked for is no task that takes long, not that all is done soon. */
const PATIENT = {
  settledTimeoutMs: 10_000_000,
  readyTimeoutMs: 10_000_000,
  drain: { timeoutMs: 10_000_000 },
};
const BOOT = { types: [TYPE], kernel: PATIENT };
/** Registered at once while names are given: what they cost together is not what is looked for. */
const AT_ONCE = 500;

/** Of one task, in the order of a seed. */
export interface MeasuredTask {
  readonly index: number;
  readonly phase: string;
  /** Without the garbage collections that fell into it, and the tables that the engine made anew. */
  readonly ms: number;
}

export interface LargeRunOptions {
  readonly seed: number;
  readonly names: number;
  /** As `MeasuredScheduler`. */
  readonly msPerLook?: number;
  /** Indexes of tasks of which it is told where they were scheduled. */
  readonly traced?: ReadonlySet<number>;
}

export interface LargeRun {
  readonly tasks: readonly MeasuredTask[];
  /** Where those of `traced` were scheduled. */
  readonly traces: ReadonlyMap<number, string>;
  /** How long the engine took each time to make a large table anew, in milliseconds. */
  readonly tablesMs: readonly number[];
}

/** Names are registered, then measured: one joins, one is cut off and comes back, one dies, one drains, names end. */
export async function largeRun({ seed, names, msPerLook, traced }: LargeRunOptions): Promise<LargeRun> {
  const scheduler = new MeasuredScheduler(seed, msPerLook);
  if (traced) scheduler.traced = traced;
  const swarm = new KernelSwarm(scheduler);
  const nodes = await swarm.form(NODES, BOOT);
  const all = Array.from({ length: names }, (_, index) => `device-${index}`);
  for (let from = 0; from < names; from += AT_ONCE) {
    const some = all.slice(from, from + AT_ONCE);
    const asked = some.map((name, index) =>
      nodes[index % NODES]!.kernel.register(name, TYPE.type, undefined, {}),
    );
    await swarm.settle(Promise.all(asked));
  }
  const shows = (count: number) => (): boolean => swarm.nodes.every(({ kernel }) => kernel.count() === count);
  await swarm.until(shows(names));
  return new LargeSwarm(swarm, scheduler, all).run(nodes, shows);
}

class LargeSwarm {
  private readonly phaseOf: string[] = [];

  constructor(
    private readonly swarm: KernelSwarm,
    private readonly scheduler: MeasuredScheduler,
    private readonly names: readonly string[],
  ) {}

  async run(nodes: readonly KernelSwarmNode[], shows: (count: number) => () => boolean): Promise<LargeRun> {
    const { scheduler } = this;
    const collections = new Collections();
    const tables = new Tables();
    collections.begin();
    tables.begin();
    scheduler.isMeasuring = true;
    try {
      await this.happen(nodes, shows);
    } finally {
      tables.end();
    }
    await collections.end();
    collections.join(tables.pauses);
    const tasks = collections
      .without(scheduler.spans)
      .map((ms, index) => ({ index, phase: this.phaseOf[index] ?? '', ms }));
    const tablesMs = tables.pauses.map(({ from, to }) => to - from);
    return { tasks, traces: scheduler.traces, tablesMs };
  }

  private async happen(
    [first, second]: readonly KernelSwarmNode[],
    shows: (count: number) => () => boolean,
  ): Promise<void> {
    const { swarm, scheduler, names } = this;
    let joined: KernelSwarmNode | undefined;
    await this.phase(
      'a node joins',
      () => (joined = swarm.boot(BOOT)),
      () => joined !== undefined && upAt(joined) === NODES + 1 && shows(names.length)(),
    );
    const others = swarm.nodes.filter((node) => node !== joined);
    await this.phase(
      'a node is cut off',
      () => others.forEach(({ key }) => swarm.network.cut(key, joined!.key)),
      () => others.every(({ kernel }) => kernel.nodes().length === NODES),
    );
    await this.phase(
      'the network heals',
      () => swarm.network.heal(),
      () => swarm.nodes.every((node) => upAt(node) === NODES + 1) && shows(names.length)(),
    );
    await this.phase(
      'a node dies',
      () => swarm.crash(second!),
      () => swarm.nodes.every(({ kernel }) => kernel.nodes().length === NODES) && shows(names.length)(),
    );
    let drained = false;
    await this.phase(
      'a node drains',
      () =>
        void first!.kernel.drain({}).then(() => {
          swarm.nodes.splice(swarm.nodes.indexOf(first!), 1);
          drained = true;
        }),
      () => drained,
    );
    const [asker] = swarm.nodes;
    await this.phase(
      'the registry is watched',
      () => asker!.kernel.onRegistryChange(() => undefined),
      () => true,
    );
    const ending = names.slice(0, names.length / 2).values();
    const endNext = (): void => {
      const { value: name } = ending.next();
      if (name === undefined) return;
      void asker!.kernel.unregister(name);
      scheduler.schedule(scheduler.now, endNext);
    };
    await this.phase('half of the names end', endNext, shows(names.length - Math.floor(names.length / 2)));
  }

  /** What is done is a task, too. Ends when it is `done` and all is at rest. */
  private async phase(title: string, act: () => unknown, done: () => boolean): Promise<void> {
    const { swarm, scheduler } = this;
    let acted = false;
    scheduler.schedule(scheduler.now, () => {
      act();
      acted = true;
    });
    await swarm.until(() => acted && done(), 10_000_000);
    await swarm.settle(Promise.all(swarm.nodes.map(({ kernel }) => kernel.settled({}))), 10_000_000);
    while (this.phaseOf.length < scheduler.spans.length) this.phaseOf.push(title);
  }
}

function upAt({ kernel }: KernelSwarmNode): number {
  return kernel.nodes().filter(({ status }) => status === 'up').length;
}

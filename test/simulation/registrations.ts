import type { SwarmError } from '../../lib/errors/index.js';
import type { Assembly } from '../../lib/node/assembly.js';
import type { KernelNode } from '../../lib/node/kernel-node.js';
import type { RegistryRow } from '../../lib/node/kernel.interface.js';
import { RowStatus } from '../../lib/tracker/row.js';
import type { SimulatedSwarm } from './simulated-swarm.js';

export type SimulatedType = 'Counter' | 'Once';

export interface Registered {
  readonly name: string;
  readonly type: SimulatedType;
}

/** `present`: must be there at rest. `absent`: must not. `unknown`: either may be. */
export type Fate = 'present' | 'absent' | 'unknown';

interface Life {
  readonly type: SimulatedType;
  fate: Fate;
  /** Under which it was registered last. */
  fence: number;
  /** It was unregistered before. */
  wasEnded: boolean;
  /** Operations of the name that are under way. */
  underWay: number;
  /** Several of them overlap, so that none of them says what must be true afterwards. */
  overlap: boolean;
}

type Concluded = (error: SwarmError | undefined, value: unknown) => void;

/** Which names must be there (promise P4), from what registrations were acknowledged and what was lost since. */
export class Registrations {
  private readonly lives = new Map<string, Life>();
  private readonly lostEnds = new Set<string>();
  private count = 0;

  constructor(private readonly swarm: SimulatedSwarm) {}

  get names(): string[] {
    return [...this.lives.keys()];
  }

  typeOf(name: string): SimulatedType | undefined {
    return this.lives.get(name)?.type;
  }

  fateOf(name: string): Fate | undefined {
    return this.lives.get(name)?.fate;
  }

  any(): string | undefined {
    const { names } = this;
    return names[Math.floor(this.swarm.random() * names.length)];
  }

  /** A name to register: one that may not be there, or another. */
  next(type: SimulatedType): Registered {
    const free = this.names.filter((name) => this.typeOf(name) === type && this.fateOf(name) !== 'present');
    const again = free[Math.floor(this.swarm.random() * free.length)];
    if (again !== undefined && this.swarm.random() < 0.6) return { name: again, type };
    return { name: `${type === 'Once' ? 'once' : 'ring'}-late-${++this.count}`, type };
  }

  began(name: string, type: SimulatedType): Concluded {
    const life = this.lives.get(name) ?? {
      type,
      fate: 'unknown',
      fence: 0,
      wasEnded: false,
      underWay: 0,
      overlap: false,
    };
    this.lives.set(name, life);
    return this.begin(life, (error, row) => {
      if (error) return 'unknown';
      life.fence = (row as RegistryRow).fence;
      // Where there is no quorum, an end that the other side of a partition has not heard of yet may meet what was
      // registered after it.
      return life.wasEnded && life.type === 'Counter' ? 'unknown' : 'present';
    });
  }

  ends(name: string): Concluded {
    const life = this.lives.get(name);
    if (!life) throw new RangeError(`${name} was never registered`);
    life.wasEnded = true;
    // Each side of a partition may have a registration of its own where there is no quorum.
    // A node that was cut off from the others may never have heard of the name: then nothing was ended.
    return this.begin(life, (error, hasEnded) =>
      error || hasEnded !== true || life.type === 'Counter' ? 'unknown' : 'absent',
    );
  }

  /**
   * A node is gone. What nobody else holds is lost, and rightly so: where there is a quorum, more nodes than a minority
   * have died before they could tell others; elsewhere all that had acknowledged it. What was ended may be known as
   * ended by the dead only.
   */
  noteLoss(): string[] {
    const { alive, nodes } = this.swarm;
    const lost: string[] = [];
    for (const [name, life] of this.lives) {
      if (life.fate === 'absent') life.fate = 'unknown';
      const newest = Math.max(life.fence, ...nodes.flatMap(({ kernel }) => fencesOf(kernel, name)));
      if (alive.some(({ kernel }) => fencesOf(kernel, name).some((fence) => fence >= newest))) continue;
      lost.push(name);
      if (life.fate !== 'present') continue;
      life.fate = 'unknown';
      this.swarm.tell(`nobody holds ${name} any more`);
    }
    return lost;
  }

  /**
   * Names with a row of a registration that nobody who lives knows to have ended, and somebody who died did: more than a
   * minority of those that an end was told to are gone, and the name may come back. Each registration is told of once.
   */
  noteLostEnds(): string[] {
    const { alive, nodes } = this.swarm;
    const ended = (kernels: readonly KernelNode[], registration: string): boolean =>
      kernels.some((kernel) => assemblyOf(kernel)?.forgotten.has(registration));
    const living = alive.map(({ kernel }) => kernel);
    const dead = nodes.filter((node) => !node.alive).map(({ kernel }) => kernel);
    return this.names.filter((name) => {
      const rows = living.flatMap((kernel) => assemblyOf(kernel)?.index.all(name) ?? []);
      const back = new Set(rows.map(({ registration }) => registration));
      const lost = [...back].filter(
        (registration) =>
          !this.lostEnds.has(registration) && !ended(living, registration) && ended(dead, registration),
      );
      for (const registration of lost) this.lostEnds.add(registration);
      return lost.length > 0;
    });
  }

  private begin(life: Life, fateAfter: (error: SwarmError | undefined, value: unknown) => Fate): Concluded {
    life.overlap = life.underWay > 0;
    life.underWay++;
    life.fate = 'unknown';
    return (error, value) => {
      life.fate = life.overlap ? 'unknown' : fateAfter(error, value);
      life.underWay--;
      if (life.underWay === 0) life.overlap = false;
    };
  }
}

/**
 * Under which fences the node has rows from which the name could be started again. Only the newest of all nodes, dead ones
 * included, is of this registration and not of one that was ended, or of a place that the worker has left, where others
 * have not heard of it yet. A node that is not started, or has ended, has none; nor has one that shows the row of a worker
 * which has moved until it has read of the move.
 */
function fencesOf(kernel: KernelNode, name: string): number[] {
  const assembly = assemblyOf(kernel);
  if (!assembly || assembly.replicas.isLingering(name)) return [];
  const rows = assembly.index.all(name).filter(({ status }) => status !== RowStatus.claiming);
  return rows.map(({ fence }) => fence);
}

function assemblyOf(kernel: KernelNode): Assembly | undefined {
  return (kernel as unknown as { readonly assembly: Assembly | undefined }).assembly;
}

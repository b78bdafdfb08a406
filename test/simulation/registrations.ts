import type { SwarmError } from '../../lib/errors/index.js';
import type { Assembly } from '../../lib/node/assembly.js';
import type { KernelNode } from '../../lib/node/kernel-node.js';
import type { RegistryRow } from '../../lib/node/kernel.interface.js';
import { RowStatus } from '../../lib/tracker/row.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

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
  /** The newest fence of each name that was told of. */
  private readonly thin = new Map<string, number>();
  private readonly thinEnds = new Set<string>();
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

  /** Under which the name was registered last. */
  fenceOf(name: string): number {
    return this.lives.get(name)?.fence ?? Infinity;
  }

  /** Whether a node holds a row of the name, or died with one. */
  isHeldAnywhere(name: string): boolean {
    return this.swarm.nodes.some(({ kernel }) => fencesOf(kernel, name).length > 0);
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
   * Names whose newest row fewer than `size` of those that live hold, now that a node is gone. When it comes back it
   * knows nothing: with those that never knew it is a quorum without the holders if they are not heard, and may give the
   * name anew. That takes two of a minority of one, and is not promised. Told once of each row.
   */
  noteThinRows(size: number): string[] {
    const { alive, nodes } = this.swarm;
    return this.names.filter((name) => {
      const newest = Math.max(0, ...nodes.flatMap(({ kernel }) => fencesOf(kernel, name)));
      if (newest === 0 || this.thin.get(name) === newest) return false;
      const holders = alive.filter(({ kernel }) => fencesOf(kernel, name).includes(newest));
      if (holders.length >= size) return false;
      this.thin.set(name, newest);
      return true;
    });
  }

  /**
   * The same of ends: names with a row of a registration that somebody who died knew to have ended, and fewer than
   * `size` of those that live. The name may come back. Each registration is told of once.
   */
  noteThinEnds(size: number): string[] {
    const { alive, nodes } = this.swarm;
    const knowing = (some: readonly SimulatedNode[], registration: string): number =>
      some.filter(({ kernel }) => assemblyOf(kernel)?.forgotten.has(registration)).length;
    const dead = nodes.filter((node) => !node.alive);
    return this.names.filter((name) => {
      const rows = alive.flatMap(({ kernel }) => assemblyOf(kernel)?.index.all(name) ?? []);
      const back = new Set(rows.map(({ registration }) => registration));
      const thin = [...back].filter(
        (registration) =>
          !this.thinEnds.has(registration) &&
          knowing(alive, registration) < size &&
          knowing(dead, registration) > 0,
      );
      for (const registration of thin) this.thinEnds.add(registration);
      return thin.length > 0;
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

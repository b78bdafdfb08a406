import { SwarmError } from '../../lib/errors/index.js';
import type { SimulatedNode, SimulatedSwarm } from './simulated-swarm.js';

/** A timer that fires at the deadline may do so after other things of the same instant. */
const SLACK_MS = 50;
/** The clock of the node may be slow. */
const CLOCK_RATES = 1.01;

/** What a node was asked for, and must have ended within its time (promise P7). */
export interface Operation {
  readonly what: string;
  /** Who was asked; the time in which its process was stopped does not count. */
  readonly node: SimulatedNode;
  readonly timeoutMs: number;
  /** Whether the story tells how it went. */
  readonly told: boolean;
}

/** Follows everything that is asked of the nodes of a simulated swarm until it has ended. */
export class Operations {
  readonly violations: string[] = [];
  /** How many ended in which way, to see that a history does something. */
  readonly outcomes: Record<string, number> = {};
  private readonly open = new Map<object, { readonly node: SimulatedNode; readonly what: string }>();

  constructor(private readonly swarm: SimulatedSwarm) {}

  /** What has not ended; nobody waits for an answer in a process that is gone. */
  get underWay(): string[] {
    return [...this.open.values()].filter(({ node }) => node.alive).map(({ what }) => what);
  }

  /** `ended` is told in the instant in which the promise settles. */
  follow<T>(
    operation: Operation,
    work: Promise<T>,
    ended: (error: SwarmError | undefined, value: T | undefined) => void = () => undefined,
  ): void {
    const { swarm, violations } = this;
    const { what, node, told } = operation;
    const began = swarm.now;
    const pausedBefore = node.pausedMs;
    const spent = (): number => swarm.now - began - (node.pausedMs - pausedBefore);
    let settled = false;
    const key = {};
    this.open.set(key, { node, what });
    if (told) swarm.tell(what);
    const settle = (error: unknown, value: T | undefined): void => {
      settled = true;
      this.open.delete(key);
      const outcome = error === undefined ? 'ok' : error instanceof SwarmError ? error.code : 'other';
      this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
      if (told) swarm.tell(`  ${what}: ${error === undefined ? 'ok' : String(error)}`);
      if (outcome === 'other')
        violations.push(`P7: ${what} at ${began.toFixed(0)} failed with ${String(error)}`);
      ended(error === undefined || error instanceof SwarmError ? error : undefined, value);
    };
    work.then(
      (value) => settle(undefined, value),
      (error: unknown) => settle(error ?? new Error('nothing'), undefined),
    );
    const limit = operation.timeoutMs * CLOCK_RATES + SLACK_MS;
    const look = (): void => {
      if (settled || !node.alive) return;
      const left = limit - spent();
      if (node.pausedAt === undefined && left <= 0) {
        violations.push(`P7: ${what} at ${began.toFixed(0)} has not ended after ${operation.timeoutMs} ms`);
      } else {
        swarm.scheduler.schedule(swarm.now + Math.max(left, SLACK_MS), look);
      }
    };
    swarm.scheduler.schedule(began + limit, look);
  }
}

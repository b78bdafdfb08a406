import { Injectable } from '@nestjs/common';
import type { DieReason } from 'nestjs-swarm';

/** What this process knows of its own workers, however the registry sees them. */
@Injectable()
export class LocalFacts {
  /** Instances that live here, by name: never more than one. */
  private readonly living = new Map<string, number>();
  /** How many have ended here, by reason. */
  readonly deaths: Record<string, number> = {};
  /** How many times a worker was given the state of another activation of its name. */
  conflicts = 0;
  private arrived = 0;
  private waiting: Array<{ readonly count: number; readonly resolve: () => void }> = [];

  started(name: string): void {
    this.living.set(name, (this.living.get(name) ?? 0) + 1);
  }

  died(name: string, reason: DieReason): void {
    this.deaths[reason] = (this.deaths[reason] ?? 0) + 1;
    const left = (this.living.get(name) ?? 0) - 1;
    if (left > 0) this.living.set(name, left);
    else this.living.delete(name);
  }

  /** A worker was given the state that it had elsewhere. */
  unpacked(): void {
    this.arrived++;
    this.waiting = this.waiting.filter(({ count, resolve }) => {
      if (count > this.arrived) return true;
      resolve();
      return false;
    });
  }

  /** The name of every instance that lives here; a name that has two stands there twice. */
  hosted(): string[] {
    return [...this.living].flatMap(([name, instances]) => Array<string>(instances).fill(name));
  }

  /** Resolves when so many workers have come here with their state. */
  async arrivals(count: number): Promise<void> {
    if (this.arrived >= count) return;
    await new Promise<void>((resolve) => {
      this.waiting.push({ count, resolve });
    });
  }
}

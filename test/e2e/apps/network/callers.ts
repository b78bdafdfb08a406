// Callers of the counters: they go on whatever happens, and remember what they were told.
import { setTimeout as rest } from 'node:timers/promises';
import type { SwarmRegistry } from 'nestjs-swarm';
import { inParallel } from '../support/in-parallel.js';
import type { Reading } from './counters.js';
import { record } from './history.js';

/** How long a caller waits for an answer. */
const PATIENCE_MS = 2_000;
const CALLS_AT_ONCE = 64;
/** What a caller may be told while nodes come, go and are cut off. Nobody may be told that a name is not registered. */
const EXPECTED = new Set([
  'ERR_SWARM_CALL_TIMEOUT',
  'ERR_SWARM_NODE_UNAVAILABLE',
  'ERR_SWARM_NO_NODE_AVAILABLE',
]);
/** Errors that are kept with their text. */
const ERRORS_KEPT = 20;

export interface CallersReport {
  /** How many calls were answered, `ok`, or failed, by code. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Additions that were answered, by name. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** By how much the deadline of a call was overrun at most, in milliseconds; 0 or less if none was. */
  readonly overdueMs: number;
  /** The first errors that a caller had not to be told. */
  readonly errors: readonly string[];
}

export class Callers {
  private readonly outcomes: Record<string, number> = {};
  private readonly acknowledged: Record<string, number> = {};
  private readonly errors: string[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private overdueMs = -PATIENCE_MS;
  private goesOn = false;

  constructor(
    private readonly registry: SwarmRegistry,
    private readonly node: string,
  ) {}

  /** One call of any pattern, with its outcome written down. */
  async call(name: string, pattern: string, data?: unknown, timeoutMs = PATIENCE_MS): Promise<Reading> {
    const began = performance.now();
    try {
      const reading = await this.registry.call<Reading>(name, pattern, data, { timeoutMs });
      const at = process.hrtime.bigint();
      if (name.startsWith('once-')) {
        const endedAt = BigInt(reading.endedAt);
        record({ kind: 'answer', name, fence: reading.fence, at, endedAt, node: this.node });
      }
      if (pattern === 'add') this.acknowledged[name] = (this.acknowledged[name] ?? 0) + 1;
      this.count('ok');
      return reading;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      this.count(code ?? 'unknown');
      if (!EXPECTED.has(code ?? '') && this.errors.length < ERRORS_KEPT)
        this.errors.push(`${new Date().toISOString()} ${this.node} "${name}": ${code} ${message}`);
      throw error;
    } finally {
      this.overdueMs = Math.max(this.overdueMs, performance.now() - began - timeoutMs);
    }
  }

  /** Adds to one name after the other, over and over, without waiting for answers, until `stop`. */
  start(names: readonly string[], everyMs: number): void {
    this.goesOn = true;
    void this.run(names, everyMs);
  }

  /** Resolves when every call has been answered or has failed. */
  async stop(): Promise<CallersReport> {
    this.goesOn = false;
    await Promise.all(this.underWay);
    const { outcomes, acknowledged, overdueMs, errors } = this;
    return { outcomes, acknowledged, overdueMs, errors };
  }

  /**
   * Resolves when every name has answered.
   *
   * @throws Error that says which did not within the time, and what came of the last try
   */
  async reach(names: readonly string[], withinMs: number): Promise<void> {
    const until = performance.now() + withinMs;
    await inParallel(names.length, CALLS_AT_ONCE, async (index) => {
      const name = names[index]!;
      for (;;) {
        try {
          await this.call(name, 'add');
          return;
        } catch (error) {
          const { message } = error as Error;
          if (performance.now() > until)
            throw new Error(`"${name}" has not answered within ${withinMs} ms: ${message}`, { cause: error });
          await rest(5);
        }
      }
    });
  }

  private async run(names: readonly string[], everyMs: number): Promise<void> {
    for (let turn = 0; this.goesOn; turn++) {
      const call = this.call(names[turn % names.length]!, 'add').then(
        () => undefined,
        () => undefined, // counted by its code
      );
      this.underWay.add(call);
      void call.then(() => this.underWay.delete(call));
      await rest(everyMs);
    }
  }

  private count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }
}

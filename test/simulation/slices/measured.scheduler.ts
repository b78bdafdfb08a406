import type { Timer } from '../../../lib/runtime/runtime.interface.js';
import { seededRandom, type VirtualRuntime, VirtualScheduler } from '../../../lib/runtime/virtual.runtime.js';

/** So often every task may look at the clock for nothing: whoever looks more often asks how long it has run. */
const FREE_LOOKS = 4;

/** When a task began and had ended, and for how long processors worked for this process meanwhile, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly cpuMs: number;
}

/**
 * A scheduler that measures how long each task takes, in real time and of the processor: a timer, a frame, or what was deferred, of one node,
 * and the promises that it settled. Work in slices looks at the clock, which stands still in virtual time: here it goes
 * on with each look, always alike, so that work is cut into slices and a seed has the same tasks in every run.
 */
export class MeasuredScheduler extends VirtualScheduler {
  /** When each task since `isMeasuring` began and had ended, in the order in which they ran. */
  readonly spans: Span[] = [];
  isMeasuring = false;
  /** Of which tasks it is to be kept where they were scheduled. */
  traced: ReadonlySet<number> = new Set();
  readonly traces = new Map<number, string>();
  private looks = 0;
  private isRunning = false;
  private began = 0;
  private cpuMs = 0;

  /** @param msPerLook what each further look at the clock within one task shows: four looks are a slice; with 0 nothing is cut */
  constructor(
    seed: number,
    private readonly msPerLook = 1,
  ) {
    super(seededRandom(seed));
  }

  override get now(): number {
    const time = super.now;
    if (!this.isRunning) return time;
    return time + Math.max(0, ++this.looks - FREE_LOOKS) * this.msPerLook;
  }

  override schedule(at: number, run: () => void, owner?: VirtualRuntime): Timer {
    const from = this.traced.size > 0 ? new Error('scheduled') : undefined;
    const measured = (): void => {
      if (this.isMeasuring && from && this.traced.has(this.spans.length))
        this.traces.set(this.spans.length, String(from.stack));
      this.looks = 0;
      this.isRunning = true;
      this.began = performance.now();
      run();
    };
    return super.schedule(at, measured, owner);
  }

  override runUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    return super.runUntil(() => {
      this.taskEnded();
      return condition();
    }, timeoutMs);
  }

  override async advance(ms: number): Promise<void> {
    const until = super.now + ms;
    await this.runUntil(() => false, ms);
    await super.advance(until - super.now);
  }

  /** The promises that the last task settled have run. */
  private taskEnded(): void {
    this.isRunning = false;
    if (this.began === 0) return;
    const before = this.cpuMs;
    if (this.isMeasuring) {
      const to = performance.now();
      this.cpuMs = processorMs();
      // From the end of the task before: what lies between, the scheduler's own, is little.
      this.spans.push({ from: this.began, to, cpuMs: this.cpuMs - before });
    }
    this.began = 0;
  }
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

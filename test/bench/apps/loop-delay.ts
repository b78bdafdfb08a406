import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How late the event loop was, and what the process has worked meanwhile. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Share of one core that the process has used. */
  readonly cpu: number;
  readonly tookMs: number;
}

const RESOLUTION_MS = 1;

/** Measures how late the event loop of this process is. */
export class LoopDelayMeter {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private began = 0;
  private cpu = process.cpuUsage();

  start(): void {
    this.histogram.reset();
    this.histogram.enable();
    this.began = performance.now();
    this.cpu = process.cpuUsage();
  }

  stop(): LoopDelay {
    this.histogram.disable();
    const { user, system } = process.cpuUsage(this.cpu);
    const tookMs = performance.now() - this.began;
    return {
      p99Ms: this.histogram.percentile(99) / 1e6,
      maxMs: this.histogram.max / 1e6,
      cpu: (user + system) / 1000 / tookMs,
      tookMs,
    };
  }
}

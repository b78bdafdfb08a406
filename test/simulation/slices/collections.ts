import { PerformanceObserver } from 'node:perf_hooks';
import type { Span } from './measured.scheduler.js';

interface Pause {
  readonly from: number;
  readonly to: number;
}

/** When V8 stood still to collect garbage, in milliseconds as of `performance.now()`. */
export class Collections {
  private readonly pauses: Pause[] = [];
  private readonly observer = new PerformanceObserver((list) => this.note(list.getEntries()));

  begin(): void {
    this.observer.observe({ entryTypes: ['gc'] });
  }

  /** Node tells of a pause some turns of the event loop after it. */
  async end(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.note(this.observer.takeRecords());
    this.observer.disconnect();
    this.sort();
  }

  /** Pauses of another kind, to be taken off as well. */
  join(others: readonly Pause[]): void {
    this.pauses.push(...others);
    this.sort();
  }

  /**
   * How long each of the spans, which do not overlap and are in order, was without the pauses that fell into it, and
   * without the time in which the processor worked for other programs, as far as that is known: not where a pause was.
   */
  without(spans: readonly Span[]): number[] {
    let next = 0;
    return spans.map(({ from, to, cpuMs }) => {
      let ms = to - from;
      let counted = from;
      while ((this.pauses[next]?.to ?? Infinity) <= from) next++;
      if ((this.pauses[next]?.from ?? Infinity) >= to) return Math.min(ms, cpuMs);
      // One that is within another counts once.
      for (let at = next; (this.pauses[at]?.from ?? Infinity) < to; at++) {
        const pause = this.pauses[at]!;
        ms -= Math.max(0, Math.min(pause.to, to) - Math.max(pause.from, counted));
        counted = Math.max(counted, pause.to);
      }
      return ms;
    });
  }

  private sort(): void {
    this.pauses.sort((a, b) => a.from - b.from);
  }

  private note(entries: ReadonlyArray<{ readonly startTime: number; readonly duration: number }>): void {
    for (const { startTime, duration } of entries)
      this.pauses.push({ from: startTime, to: startTime + duration });
  }
}

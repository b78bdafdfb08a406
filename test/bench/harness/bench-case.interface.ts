import type { Summary } from './stats.js';

export type Unit = '/s' | 'ms' | 'B' | 'calls' | 'names';

/** One figure of the benchmark. */
export interface RowHead {
  readonly title: string;
  readonly unit: Unit;
  readonly note?: string;
  /** Title of the row that this one is a fraction of; both are of the same `measure`. */
  readonly beside?: string;
}

/** How rows are measured that come of one measurement. */
export interface Plan {
  readonly rows: readonly RowHead[];
  /** One measurement: a figure for each row. */
  sample(): Promise<readonly number[]>;
}

/** A row with what was measured. */
export interface Row extends RowHead {
  readonly case: string;
  readonly samples: readonly number[];
  readonly summary?: Summary;
  /** To the row named by `beside`, sample by sample: both were taken within the same seconds. */
  readonly ratio?: Summary;
  readonly notMeasured?: string;
}

/** What a case uses to measure. */
export interface CaseBench {
  /** Arguments for `node` that every measured process gets. */
  readonly execArgv: readonly string[];
  /**
   * Takes one sample of each plan in turn, until all have as many as asked for: whatever else the machine does
   * disturbs all of them alike. The first rounds, `warmUp` of them, let the compiler finish and do not count.
   */
  measure(plans: readonly Plan[], warmUp: number): Promise<void>;
}

export interface BenchCase {
  readonly id: string;
  readonly title: string;
  run(bench: CaseBench): Promise<void>;
}

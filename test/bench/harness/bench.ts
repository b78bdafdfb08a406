import type { BenchCase, CaseBench, Plan, Row, RowHead } from './bench-case.interface.js';
import type { BenchOptions } from './options.js';
import { summaryOf } from './stats.js';

/** Runs cases and keeps their rows. */
export class Bench {
  readonly rows: Row[] = [];

  constructor(private readonly options: BenchOptions) {}

  wantsCase(id: string): boolean {
    const { only } = this.options;
    return only.length === 0 || only.some((wanted) => wanted.split(' ')[0] === id.toLowerCase());
  }

  /** The case's rows. One that cannot be measured says why, and the others go on. */
  async run(benchCase: BenchCase): Promise<Row[]> {
    const rows: Row[] = [];
    const bench: CaseBench = {
      execArgv: this.execArgv(),
      measure: async (plans, warmUp) => {
        const wanted = plans.filter((plan) => plan.rows.some((row) => this.wantsRow(benchCase.id, row)));
        rows.push(...(await measure(benchCase.id, wanted, this.options.repeats, warmUp)));
      },
    };
    try {
      await benchCase.run(bench);
    } catch (error) {
      const head: RowHead = { title: 'the rest', unit: 'ms' };
      rows.push({ ...head, case: benchCase.id, samples: [], notMeasured: messageOf(error) });
    }
    this.rows.push(...rows);
    return rows;
  }

  private wantsRow(id: string, { title }: RowHead): boolean {
    const { only } = this.options;
    const name = `${id} ${title}`.toLowerCase();
    return only.length === 0 || only.some((wanted) => name.startsWith(wanted));
  }

  private execArgv(): string[] {
    const { profile } = this.options;
    return profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  }
}

/** Samples by plan, then by row. */
async function measure(id: string, plans: readonly Plan[], repeats: number, warmUp: number): Promise<Row[]> {
  const samples = new Map(plans.map((plan) => [plan, plan.rows.map((): number[] => [])]));
  const failures = new Map<Plan, string>();
  for (let round = -warmUp; round < repeats; round++) {
    for (const plan of plans) {
      if (failures.has(plan)) continue;
      try {
        const values = await plan.sample();
        if (round >= 0) plan.rows.forEach((_, row) => samples.get(plan)?.[row]?.push(values[row] ?? NaN));
      } catch (error) {
        failures.set(plan, messageOf(error));
      }
    }
  }
  const byTitle = new Map<string, readonly number[]>();
  for (const plan of plans) {
    plan.rows.forEach(({ title }, row) => byTitle.set(title, samples.get(plan)?.[row] ?? []));
  }
  return plans.flatMap((plan) =>
    plan.rows.map((head) => rowOf(id, head, byTitle, failures.get(plan), repeats)),
  );
}

function rowOf(
  id: string,
  head: RowHead,
  byTitle: ReadonlyMap<string, readonly number[]>,
  failure: string | undefined,
  repeats: number,
): Row {
  const samples = byTitle.get(head.title) ?? [];
  if (failure !== undefined) return { ...head, case: id, samples, notMeasured: failure };
  const row = { ...head, case: id, samples, summary: summaryOf(samples) };
  const others = head.beside === undefined ? [] : (byTitle.get(head.beside) ?? []);
  if (others.length !== repeats) return row;
  return { ...row, ratio: summaryOf(samples.map((value, index) => value / (others[index] ?? NaN))) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

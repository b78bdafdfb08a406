import type { Lap, LoadPlan, LoadReport } from '../apps/load/load.js';
import type { AppProcess } from './app-process.js';

/** What all callers together saw. */
export interface CallersReport extends Omit<LoadReport, 'acknowledged'> {
  /** Answered calls of each name, by the prefix of the plan and the number of the name. */
  readonly acknowledged: ReadonlyMap<string, readonly number[]>;
}

/** Constant load from several processes of `load.app`, each with its share of every plan. */
export class Callers {
  private constructor(
    private readonly apps: readonly AppProcess[],
    private readonly plans: readonly LoadPlan[],
  ) {}

  static async start(apps: readonly AppProcess[], plans: readonly LoadPlan[]): Promise<Callers> {
    for (const { names, perSecond, ...plan } of plans) {
      const share = (index: number): LoadPlan => ({
        ...plan,
        names,
        perSecond: perSecond / apps.length,
        from: Math.floor((index * names) / apps.length),
      });
      await Promise.all(apps.map((app, index) => app.ask('startLoad', share(index))));
    }
    return new Callers(apps, plans);
  }

  /** What happened since the last lap, or the start. */
  async lap(): Promise<Lap> {
    const laps = (await Promise.all(this.apps.map((app) => app.ask<Lap[]>('lap')))).flat();
    return {
      calls: sum(laps.map(({ calls }) => calls)),
      failed: sum(laps.map(({ failed }) => failed)),
      ...worstOf(laps),
    };
  }

  /** Ends the load; resolves when every call has been answered or has failed. */
  async stop(): Promise<CallersReport> {
    const reports = await Promise.all(this.apps.map((app) => app.ask<LoadReport[]>('stopLoad')));
    const all = reports.flat();
    const acknowledged = new Map(
      this.plans.map(({ prefix, names }, plan) => [
        prefix,
        Array.from({ length: names }, (_, index) =>
          sum(reports.map((ofApp) => ofApp[plan]?.acknowledged[index] ?? 0)),
        ),
      ]),
    );
    return {
      calls: sum(all.map(({ calls }) => calls)),
      perSecond: sum(all.map(({ perSecond }) => perSecond)),
      failed: sum(all.map(({ failed }) => failed)),
      errors: all.flatMap(({ errors }) => errors),
      ...worstOf(all),
      acknowledged,
    };
  }
}

type Worst = Pick<Lap, 'worstMs' | 'worstName'>;

function worstOf(of: readonly Worst[]): Worst {
  const [first, ...others] = of;
  if (!first) throw new Error('nobody calls');
  const { worstMs, worstName } = others.reduce<Worst>((a, b) => (b.worstMs > a.worstMs ? b : a), first);
  return { worstMs, worstName };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

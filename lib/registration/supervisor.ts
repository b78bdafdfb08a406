// Decides what becomes of a worker that failed: started anew after a pause, by the policy of its type, or ended for
// good. Its row stays meanwhile, parked, so that nobody else starts it and its name and groups are kept.
import { messageOf } from '../errors/thrown.js';
import type { Timer } from '../runtime/runtime.interface.js';
import { RowStatus, type Row } from '../tracker/row.js';
import { DEFAULT_SUPERVISION, type Supervision } from '../workers/worker-definition.interface.js';
import type { Endings } from './endings.js';
import type { RegistrationParts } from './registration-parts.js';
import type { Starts } from './starts.js';

/** Pause before the first restart; it doubles with each failure in the window, times 0.5 to 1.5. */
const FIRST_PAUSE_MS = 100;
/** A `permanent` worker that never comes up is tried twice a minute. */
const LONGEST_PAUSE_MS = 30_000;
/** After this long without a failure a worker counts as well again, and its next pause is short. */
const STEADY_AFTER_MS = 2 * LONGEST_PAUSE_MS;
/** Failures of one worker that are counted; with the pauses between them that is more than an hour. */
const KEPT_FAILURES = 1_000;
/** Workers whose failures are remembered. */
const KEPT_WORKERS = 100_000;

interface Failures {
  /** When, within the window of the type. */
  readonly within: readonly number[];
  /** How many without a steady time in between. */
  readonly streak: number;
  readonly lastAt: number;
}

/** What a worker asked for by `ctx.stop()` or `ctx.fail(error)`. */
type Wish = 'stop' | { readonly error: Error };

export class Supervisor {
  /** How the workers of this node failed lately, by registration; the one that failed longest ago first. */
  private readonly failures = new Map<string, Failures>();
  /** What workers wished that did not run yet. */
  private readonly wishes = new WeakMap<Row, Wish>();
  /** Parked rows that wait for their next start, by name. */
  private readonly pausing = new Map<string, { readonly registration: string; readonly timer: Timer }>();

  constructor(
    private readonly parts: RegistrationParts,
    private readonly starts: Starts,
    private readonly endings: Endings,
  ) {}

  /** How many workers wait for their next start. */
  get size(): number {
    return this.pausing.size;
  }

  /** `ctx.fail(error)` of the activation with that fence. */
  wishesToFail(name: string, fence: number, error: Error): void {
    this.whenRunning(name, fence, { error });
  }

  /** `ctx.stop()` of the activation with that fence. */
  wishesToStop(name: string, fence: number): void {
    this.whenRunning(name, fence, 'stop');
  }

  /** A worker has come to run here. */
  runs(row: Row): void {
    const wish = this.takeWish(row);
    if (wish) this.grant(row, wish);
  }

  /** The same activation goes on under another row. */
  renewed(before: Row, now: Row): void {
    const wish = this.wishes.get(before);
    if (wish) this.wishes.set(now, wish);
  }

  /** A running worker has failed, or one that had run before could not be started. */
  failed(row: Row, error: unknown): void {
    const { rows, host, membership, cancelMove, reroute, emit, history, logger } = this.parts;
    // A wish of the activation that has failed is not for the next one.
    const wish = this.takeWish(row);
    if (!rows.has(row)) return;
    if (wish === 'stop') return this.grant(row, wish);
    const { name, type } = row;
    const reason = messageOf(error);
    // Without a lease others may run the worker by now, and what becomes of the name is not up to this node.
    const mayEnd = membership.leases.isHeld(type);
    const pauseMs = this.pauseAfterFailure(row) ?? (mayEnd ? undefined : FIRST_PAUSE_MS);
    if (pauseMs === undefined) {
      logger.warn(`${type} "${name}" has failed and is not started again: ${reason}`);
      void this.endings.end(row, 'failed');
      return;
    }
    cancelMove(row);
    if (row.status !== RowStatus.parked) {
      const { waiting } = host.end(name, 'failed');
      rows.setStatus(row, RowStatus.parked);
      reroute(name, waiting);
    }
    emit({ type: 'worker-failed', name, workerType: type, reason, pauseMs });
    history.note(name, `failed (${reason}), starts anew in ${Math.round(pauseMs)} ms`);
    logger.debug(`"${name}" has failed and starts anew in ${Math.round(pauseMs)} ms: ${reason}`);
    this.pause(row, pauseMs);
  }

  /** A parked row of this node belongs here, and nothing stands in its way: starts it, unless it has to wait. */
  resume(row: Row): void {
    if (this.pausing.get(row.name)?.registration !== row.registration) void this.starts.restart(row);
  }

  /** The row goes elsewhere, or ends: it is not started here. */
  release(row: Row): void {
    const paused = this.pausing.get(row.name);
    if (paused?.registration !== row.registration) return;
    paused.timer.cancel();
    this.pausing.delete(row.name);
  }

  /** A worker that is only being started, or prepared to go on here, cannot end before that has come to an end. */
  private whenRunning(name: string, fence: number, wish: Wish): void {
    const row = this.parts.rows.get(name);
    if (row?.fence !== fence) return;
    if (row.status === RowStatus.running) this.grant(row, wish);
    else if (!this.wishes.has(row)) this.wishes.set(row, wish);
  }

  private takeWish(row: Row): Wish | undefined {
    const wish = this.wishes.get(row);
    this.wishes.delete(row);
    return wish;
  }

  private grant(row: Row, wish: Wish): void {
    if (wish === 'stop') void this.endings.end(row, 'stopped');
    else this.failed(row, wish.error);
  }

  /** Milliseconds until the next start, `undefined` if there is to be none. Notes the failure. */
  private pauseAfterFailure({ registration, type }: Row): number | undefined {
    const { runtime } = this.parts;
    const { restart, maxRestarts, withinMs } = this.policyOf(type);
    if (restart === 'temporary') return undefined;
    const now = runtime.now();
    const before = this.failures.get(registration);
    const isSteady = !before || now - before.lastAt > Math.max(withinMs, STEADY_AFTER_MS);
    const within = (before?.within ?? []).filter((at) => at > now - withinMs).slice(-KEPT_FAILURES);
    const failures = { within: [...within, now], streak: isSteady ? 1 : before.streak + 1, lastAt: now };
    this.failures.delete(registration);
    if (restart === 'transient' && failures.within.length > Math.min(maxRestarts, KEPT_FAILURES))
      return undefined;
    this.failures.set(registration, failures);
    this.forgetOld(now);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures.streak - 1, 16), LONGEST_PAUSE_MS);
    return pauseMs * (0.5 + runtime.random());
  }

  private policyOf(type: string): Supervision {
    return this.parts.host.definition(type)?.supervision ?? DEFAULT_SUPERVISION;
  }

  private pause({ name, registration }: Row, pauseMs: number): void {
    const { runtime, rows, settledHere, rest } = this.parts;
    this.pausing.get(name)?.timer.cancel();
    const timer = runtime.after(pauseMs, () => {
      this.pausing.delete(name);
      const row = rows.get(name);
      if (row?.registration === registration) settledHere(row);
      rest.changed();
    });
    this.pausing.set(name, { registration, timer });
  }

  /** Those that have not failed for an hour, and the oldest of too many. */
  private forgetOld(now: number): void {
    for (const [registration, { lastAt }] of this.failures) {
      if (lastAt > now - 3_600_000 && this.failures.size <= KEPT_WORKERS) return;
      this.failures.delete(registration);
    }
  }
}

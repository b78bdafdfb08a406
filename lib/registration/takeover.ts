// Starts the orphans of dead nodes on their new owner, once (promises P1, P4).
import { messageOf } from '../errors/thrown.js';
import { runSliced, SLICE_MS } from '../runtime/slices.js';
import type { Row } from '../tracker/row.js';
import type { Recall } from './recall.js';
import type { RegistrationParts } from './registration-parts.js';
import type { Starts } from './starts.js';

/** How many workers are restarted at a time; their `onWorkerStart` may wait for something. */
const CONCURRENCY = 64;
/** An orphan that could not even be begun is looked at again after this long. */
const SCAN_AGAIN_MS = 1_000;

export class Takeover {
  /** Orphans that belong here, by registration; those being started stay in `starting`. */
  private readonly queue = new Map<string, Row>();
  private readonly starting = new Set<string>();
  private pumpDue = false;
  private scanning = false;
  private scanAgain = false;
  private scanDue = false;

  constructor(
    private readonly parts: RegistrationParts,
    private readonly starts: Starts,
    private readonly recall: Recall,
  ) {}

  get size(): number {
    return this.queue.size + this.starting.size;
  }

  /** The view, or what is known of the dead, has changed: looks which orphans belong here now. */
  scan(): void {
    const { knowsAll, orphans, runtime } = this.parts;
    if (!knowsAll()) return;
    this.scanAgain = this.scanning;
    if (this.scanning) return;
    this.scanning = true;
    runSliced(
      runtime,
      orphans.rows(),
      (row) => this.enqueue(row),
      () => {
        this.scanning = false;
        this.pump();
        if (this.scanAgain) this.scan();
      },
    );
  }

  /** An orphan has come to light: what stood before it is gone. */
  appeared(row: Row): void {
    if (!this.parts.knowsAll()) return;
    this.enqueue(row);
    this.pump();
  }

  private enqueue(row: Row): void {
    const { placements, self } = this.parts;
    if (!this.isWanted(row) || this.starting.has(row.registration)) return;
    if (placements.ownerOf(row.name, row.type) === self) this.queue.set(row.registration, row);
  }

  /** Once per tick, so that restarts never hold the event loop for long. */
  private pump(): void {
    if (this.pumpDue || this.queue.size === 0) return;
    this.pumpDue = true;
    this.parts.runtime.defer(() => {
      this.pumpDue = false;
      this.startSome();
    });
  }

  private startSome(): void {
    const { runtime } = this.parts;
    const until = runtime.now() + SLICE_MS;
    for (const [registration, row] of this.queue) {
      if (this.starting.size >= CONCURRENCY) return;
      if (runtime.now() >= until) break;
      this.queue.delete(registration);
      if (this.isWanted(row)) void this.start(row);
    }
    this.pump();
  }

  private async start(row: Row): Promise<void> {
    const { runtime, registerTimeoutMs, placements, self, logger, history, trace } = this.parts;
    const { name, type, args, registration, groups, node } = row;
    const isWanted = (): boolean => placements.ownerOf(name, type) === self && this.isWanted(row);
    this.starting.add(registration);
    history.note(name, `taken over from ${node}, which is gone`);
    trace(() => `"${name}" was on ${node}, which is gone, and belongs here: starts it`);
    const deadline = runtime.now() + registerTimeoutMs;
    try {
      if (await this.recall.mayGoOn(row, deadline))
        await this.starts.begin({ name, type, args, registration, groups, again: true, isWanted }, deadline);
    } catch (error) {
      logger.debug(`"${name}" of ${node}, which is gone, could not be started here: ${messageOf(error)}`);
    } finally {
      this.starting.delete(registration);
      // Whoever had the name instead may have it no more.
      if (this.isWanted(row)) this.scanLater();
      this.parts.rest.changed();
      this.pump();
    }
  }

  private scanLater(): void {
    if (this.scanDue) return;
    this.scanDue = true;
    this.parts.runtime.after(SCAN_AGAIN_MS, () => {
      this.scanDue = false;
      this.scan();
    });
  }

  private isWanted(row: Row): boolean {
    const { index, orphans } = this.parts;
    if (!row.orphaned || index.get(row.name) !== row || orphans.isReviving(row)) return false;
    return this.parts.membership.fencing.isEveryReleased(row.node, row.type);
  }
}

// Decides how a worker of this node ends for good: by `unregister`, by its own wish, by failing too often, because its
// registration has ended elsewhere, or because it gave way to an older activation (promises P3, P6). A worker that
// ends with its registration is stopped before its row is taken back, so that nobody starts another one beside it.
import { NodeUnavailableError, type SwarmError, WorkerNotFoundError } from '../errors/index.js';
import { runSliced } from '../runtime/slices.js';
import { RowStatus, type Row, Untracked } from '../tracker/row.js';
import { FrameKind, type ForgottenFrame } from '../transport/frame.js';
import type { DieReason } from '../workers/worker-definition.interface.js';
import type { Delivery } from '../workers/worker-host.interface.js';
import type { RegistrationParts } from './registration-parts.js';

type EndReason = 'unregistered' | 'stopped' | 'failed';

export class Endings {
  /** Rows whose workers are being stopped. */
  private readonly ending = new Set<Row>();

  constructor(private readonly parts: RegistrationParts) {}

  /** Ends a worker and its registration, at once if it has nothing to wait for. False if it had ended already. */
  end(row: Row, reason: EndReason): Promise<boolean> | boolean {
    const { host, rows, cancelMove } = this.parts;
    if (!rows.has(row)) return false;
    cancelMove(row);
    if (row.status === RowStatus.claiming) return this.untrack(row, reason);
    const { waiting, ended } = host.end(row.name, reason, true);
    refuse(waiting, () => new WorkerNotFoundError(row.name));
    if (ended) {
      this.ending.add(row);
      return ended.then(() => {
        this.ending.delete(row);
        return this.untrack(row, reason);
      });
    }
    return this.untrack(row, reason);
  }

  /** Whether its worker is being stopped, and its registration ends with it. */
  isEnding(row: Row): boolean {
    return this.ending.has(row);
  }

  /** Its worker has ended. */
  private untrack(row: Row, reason: EndReason): Promise<boolean> | boolean {
    const { rows, forgotten, orphans } = this.parts;
    const now = rows.get(row.name);
    if (now?.registration !== row.registration) return false;
    // It has another fence by now, or was on its way here: perhaps it is another activation that has to end.
    if (now !== row) return this.end(now, reason);
    forgotten.add(row.registration);
    orphans.forget(row.name, row.registration);
    rows.untrack(row, Untracked.forgotten);
    this.tell(row, reason);
    return true;
  }

  /** Ends a worker whose name lives on elsewhere: its row goes at once, what waits for it follows the name. */
  giveWay(row: Row): void {
    const { host, rows, cancelMove, reroute } = this.parts;
    if (!rows.has(row)) return;
    cancelMove(row);
    const waiting = row.status === RowStatus.claiming ? [] : host.end(row.name, 'conflict').waiting;
    rows.untrack(row, Untracked.gaveWay);
    reroute(row.name, waiting);
    this.tell(row, 'conflict');
  }

  /** Another node knows that these registrations have ended for good. */
  onForgotten({ registrations }: ForgottenFrame): void {
    for (const [name, registration] of registrations) this.forgotten(name, registration);
  }

  /** As `onForgotten`, for one registration. */
  forgotten(name: string, registration: string): void {
    this.parts.forgotten.add(registration);
    this.ended(name, registration);
  }

  /** A registration has ended for good, as another node says: whatever else there is of it is history. */
  ended(name: string, registration: string): void {
    const { orphans, rows } = this.parts;
    orphans.forget(name, registration);
    const own = rows.get(name);
    if (own?.registration === registration) void this.end(own, 'unregistered');
  }

  /** Ends the registration of an orphan that no node may start. As nobody hosts it, everybody is told. */
  forget({ name, registration }: Row): void {
    const { transport, membership } = this.parts;
    const frame: ForgottenFrame = { kind: FrameKind.Forgotten, registrations: [[name, registration]] };
    this.onForgotten(frame);
    transport.broadcast([...membership.members.linkedIds()], frame);
  }

  /**
   * Ends every worker that is left when the node leaves. Their rows stay: other nodes start them again. Waits also for those
   * whose name is elsewhere already, as after a conflict: their last method may need what the application closes next.
   */
  async endAll(): Promise<void> {
    const { runtime, rows, host, self } = this.parts;
    const end = ({ name }: Row): void => {
      // It has ended, or is elsewhere, meanwhile.
      if (!rows.get(name)) return;
      const { waiting } = host.end(name, 'stopped');
      refuse(waiting, () => new NodeUnavailableError(self, `"${name}" has ended with its node`));
    };
    await new Promise<void>((done) => runSliced(runtime, [...rows.values()], end, done));
    await host.ended();
  }

  private tell({ name, type }: Row, reason: DieReason): void {
    const { emit, history, trace, rest } = this.parts;
    emit({ type: 'worker-stopped', name, workerType: type, reason });
    history.note(name, `ended here: ${reason}`);
    trace(() => `"${name}" has ended here: ${reason}`);
    rest.changed();
  }
}

/** Answers messages that no worker will get. */
export function refuse(waiting: readonly Delivery[], error: () => SwarmError): void {
  for (const delivery of waiting) delivery.reply(error(), undefined);
}

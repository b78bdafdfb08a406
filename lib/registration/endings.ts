// Decides how a worker of this node ends: by `unregister`, because its registration has ended elsewhere, or because
// an older activation of its name was found (promises P3, P6). A worker is stopped before its row is taken back, so
// that nobody starts another one beside it.
import { winsConflict } from '../tracker/registry-index.js';
import { RowStatus, type Row } from '../tracker/row.js';
import type { ForgottenFrame } from '../transport/frame.js';
import type { RegistrationParts } from './registration-parts.js';

export class Endings {
  constructor(private readonly parts: RegistrationParts) {}

  /** False if it had ended already. */
  async unregister(row: Row): Promise<boolean> {
    return this.end(row, 'unregistered', true);
  }

  /** Another node knows that these registrations have ended for good. */
  onForgotten({ registrations }: ForgottenFrame): void {
    const { forgotten, orphans, rows } = this.parts;
    for (const [name, registration] of registrations) {
      forgotten.add(registration);
      orphans.forget(name, registration);
      const own = rows.get(name);
      if (own?.registration === registration) void this.end(own, 'unregistered', true);
    }
  }

  /** Several rows have the name. Orphans give way to a holder; of two holders the older activation wins. */
  contested(name: string): void {
    const { index, orphans, rows } = this.parts;
    const [best, ...others] = index.all(name);
    if (!best?.isHeld) return;
    if (others.some((row) => row.orphaned)) orphans.superseded(name, best);
    const own = rows.get(name);
    if (!own?.isHeld) return;
    const winner = index
      .all(name)
      .find((row) => row.isHeld && row.node !== own.node && winsConflict(row, own));
    if (winner) void this.lose(own, winner);
  }

  /** Ends every worker, as when the node leaves. Their rows stay: other nodes start them again. */
  async stopAll(): Promise<void> {
    const { rows, host } = this.parts;
    await Promise.all([...rows.values()].map(({ name }) => host.stop(name, 'stopped')));
  }

  /** The side of the younger activation acts; the other need not know. */
  private async lose(own: Row, winner: Row): Promise<void> {
    const { emit, logger } = this.parts;
    const { name } = own;
    if (!(await this.end(own, 'conflict', false))) return;
    emit({ type: 'conflict-resolved', name, winner: winner.node, loser: own.node });
    logger.debug(`"${name}" ran on ${winner.node} too: the older one stays, there`);
  }

  private async end(row: Row, reason: 'unregistered' | 'conflict', forgotten: boolean): Promise<boolean> {
    const { host, rows, emit, logger } = this.parts;
    if (!rows.has(row)) return false;
    if (row.status !== RowStatus.claiming) await host.stop(row.name, reason);
    if (!rows.has(row)) return false;
    if (forgotten) this.parts.forgotten.add(row.registration);
    rows.untrack(row, forgotten);
    emit({ type: 'worker-stopped', name: row.name, workerType: row.type, reason });
    logger.debug(`"${row.name}" has ended here: ${reason}`);
    return true;
  }
}

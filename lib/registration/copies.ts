// Decides when enough other nodes hold what this one has tracked of a name (promises P4, P7).
import { votes } from '../cluster/quorum-bound.js';
import { OperationTimeoutError } from '../errors/index.js';
import { Deadlines, DueTask } from '../runtime/deadlines.js';
import type { Row } from '../tracker/row.js';
import type { NodeId } from '../transport/node-info.js';
import type { RegistrationParts } from './registration-parts.js';

export class Copies {
  private readonly deadlines: Deadlines;

  constructor(private readonly parts: RegistrationParts) {
    this.deadlines = new Deadlines(parts.runtime);
  }

  /** As `whenHeld`; rejects with the error. */
  held(row: Pick<Row, 'name' | 'type'>, deadline: number, asker?: NodeId): Promise<void> {
    return new Promise((resolve, reject) => {
      this.whenHeld(row, deadline, asker, (error) => (error ? reject(error) : resolve()));
    });
  }

  /**
   * Calls `done` when enough peers hold what was tracked of the name; `asker` does by the answer that it gets, if that is
   * sent in the same turn. After `deadline` it is called with an `OperationTimeoutError`.
   */
  whenHeld(
    { name, type }: Pick<Row, 'name' | 'type'>,
    deadline: number,
    asker: NodeId | undefined,
    done: (error?: OperationTimeoutError) => void,
  ): void {
    const { runtime, stream, placements, membership } = this.parts;
    // Under a quorum a row, or its end, must survive the loss of any minority, so `acks` alone is not enough.
    const least = (placements.quorumOf(type) ?? 1) - 1;
    // Only nodes that count for the quorum help: the others of those may decide without any node that does not.
    const counts = (peer: NodeId): boolean =>
      membership.fencing.boundOf(type).members.some((member) => member.info.id === peer && votes(member));
    const acks = Math.max(this.parts.acks, least);
    const now = runtime.now();
    const late = new DueTask(() => {
      giveUp();
      const timeoutMs = Math.max(0, deadline - now);
      done(new OperationTimeoutError(`the acknowledgement of "${name}" by other nodes`, timeoutMs));
    });
    const held = (): void => {
      this.deadlines.clear(late);
      done();
    };
    this.deadlines.set(late, deadline, now);
    const giveUp = stream.whenHeld(acks, asker, held, least, counts);
  }
}

// Lets workers join and leave groups: a field of their row, so only the node that hosts them writes it.
import {
  NoNodeAvailableError,
  NodeUnavailableError,
  OperationTimeoutError,
  WorkerNotFoundError,
} from '../errors/index.js';
import { fromWireError } from '../messaging/wire-error.js';
import { FrameKind, type GroupFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import { ask, respond, type Reply } from './questions.js';
import type { RegistrationParts } from './registration-parts.js';
import { pause } from './starts.js';

/** Pause before the worker's node is asked again, times 0.5 to 1.5. */
const ASK_AGAIN_MS = 25;

export class GroupMembership {
  constructor(
    private readonly parts: RegistrationParts,
    /** Whether this node may not have read the others' rows yet. */
    private readonly mayLackRows: () => boolean,
  ) {}

  /**
   * Resolves when this node's own replica shows the change.
   * @throws WorkerNotFoundError, OperationTimeoutError
   * @throws NoNodeAvailableError if its node is gone, and no other may host it
   */
  async change(group: string, name: string, joins: boolean): Promise<void> {
    const { runtime, registerTimeoutMs, index, waiters, membership, placements, refs } = this.parts;
    const deadline = runtime.now() + registerTimeoutMs;
    while (runtime.now() < deadline) {
      if (this.changeHere(group, name, joins)) return this.flushed();
      const row = index.get(name);
      if (!row && membership.members.self.status !== 'joining') throw new WorkerNotFoundError(name);
      if (row?.orphaned && !this.mayLackRows() && placements.ownerOf(name, row.type) === undefined) {
        const why = `no node may host "${name}" now: ask SwarmCluster.explain() for the reason`;
        throw new NoNodeAvailableError(why);
      }
      if (row?.isHeld && membership.members.get(row.node)?.linked) {
        const question = { kind: FrameKind.Group, name, group, joins } as const;
        const reply = await ask(this.parts, row.node, question, deadline);
        if (reply?.outcome === 'ok' && (await this.isSeen(group, name, joins, deadline))) return undefined;
        if (reply?.error) {
          const error = fromWireError(reply.error, refs);
          // Joining twice is joining once, so the question may be asked again.
          if (!(error instanceof NodeUnavailableError)) throw error;
        }
        await pause(this.parts, ASK_AGAIN_MS);
      } else if (!(await waiters.changed(name, deadline))) {
        break;
      }
    }
    throw new OperationTimeoutError(`${joins ? 'joining' : 'leaving'} "${group}"`, registerTimeoutMs);
  }

  onGroup(from: NodeId, { id, name, group, joins }: GroupFrame): void {
    const work = async (): Promise<Reply> => {
      if (!this.changeHere(group, name, joins)) return { outcome: 'elsewhere' };
      await this.flushed();
      return { outcome: 'ok' };
    };
    respond(this.parts, from, id, work());
  }

  /** False if this node does not host the worker. */
  private changeHere(group: string, name: string, joins: boolean): boolean {
    const { rows } = this.parts;
    const row = rows.get(name);
    if (!row?.isHeld) return false;
    rows.changeGroup(row, group, joins);
    return true;
  }

  /** The worker's node has told everyone; it may have been faster with its answer than with that. */
  private async isSeen(group: string, name: string, joins: boolean, deadline: number): Promise<boolean> {
    const { index, waiters } = this.parts;
    for (let row = index.get(name); row && row.groups.includes(group) !== joins; row = index.get(name)) {
      if (!(await waiters.changed(name, deadline))) return false;
    }
    return true;
  }

  private flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.parts.stream.log.whenFlushed(resolve);
    });
  }
}

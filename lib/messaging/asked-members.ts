// Members of a group that one other node was asked for. What they say comes in one frame or in several, in any order:
// large frames do not wait for each other on a link.
import { CallTimeoutError, type SwarmError } from '../errors/index.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import type { Row } from '../tracker/row.js';
import type { MultiAnswerFrame } from '../transport/frame.js';
import type { NodeId } from '../transport/node-info.js';
import type { PayloadCodec, RefFactory } from '../transport/payload.interface.js';
import { expiredError, untilHere } from './answer-validity.js';
import { isExpired, outcomeOf, type Asked, type Outcome } from './member-outcome.js';
import type { Asker } from './pending-replies.js';
import { fromWireError } from './wire-error.js';

export interface AskedMembersParts {
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  readonly refs: RefFactory;
}

export class AskedMembers implements Asker<MultiAnswerFrame> {
  private readonly outcomes = new Map<string, Outcome>();
  private readonly sentAt: number;
  private frames = 0;

  constructor(
    private readonly node: NodeId,
    private readonly rows: readonly Row[],
    /** What they were asked, and how long they had, for the error of those that have not answered by then. */
    private readonly asked: { readonly group: string; readonly pattern: string; readonly timeoutMs: number },
    private readonly parts: AskedMembersParts,
    private readonly done: (asked: Asked) => void,
  ) {
    this.sentAt = parts.runtime.now();
  }

  late(): SwarmError {
    return memberTimeout(this.asked, this.asked.timeoutMs);
  }

  /** Whether this was the last of the frames. */
  take({ parts: count, results, goodForMs }: MultiAnswerFrame): boolean {
    const { node, outcomes } = this;
    const { runtime, codec, refs } = this.parts;
    const isOver = isExpired({ goodUntil: untilHere(goodForMs, this.sentAt) }, runtime.now());
    for (const [name, body, error] of results) {
      if (isOver) outcomes.set(name, { error: expiredError(node, name) });
      else if (error) outcomes.set(name, { error: fromWireError(error, refs) });
      else
        outcomes.set(
          name,
          outcomeOf(() => (body ? codec.decode(body) : undefined)),
        );
    }
    this.frames++;
    return this.frames >= count;
  }

  /** `error`: of those that have not answered. */
  settle(error: SwarmError | undefined): void {
    const { rows, outcomes } = this;
    if (error) for (const { name } of rows) if (!outcomes.has(name)) outcomes.set(name, { error });
    this.done({ rows, outcomes });
  }
}

export function memberTimeout(
  { group, pattern }: { readonly group: string; readonly pattern: string },
  timeoutMs: number,
): CallTimeoutError {
  return new CallTimeoutError(`the call "${pattern}" to a member of "${group}"`, timeoutMs);
}

// Decides whether what the code of a worker does still counts in the swarm (promise P2): not when another activation of
// its name may be at work. Its handlers go on all the same, but what they answer, send and register is refused.
import type { HostedType } from './hosted-type.js';
import type { DieReason } from './worker-definition.interface.js';

/** What a worker is about to do: send something to other workers, or change registrations and memberships. */
export type Act = 'message' | 'change';

/** What is asked of an activation. */
export interface Standing {
  readonly hosted: Pick<HostedType, 'gate' | 'isPinned'>;
  readonly endReason: DieReason | undefined;
  /** It has ended, and `die` has or was given up: its name may have been taken anew. */
  readonly isOver: boolean;
}

/**
 * Why nothing that a worker does counts now, to be put behind its name; `undefined` if it does count. For a type without a
 * quorum only an activation that has lost its name to another one does not count. For a type with one, neither does an
 * activation that has moved, may have a successor, or has no lease at present. Objects of `registerLocal` always count: they
 * are bound to their process.
 *
 * @param isDying the code is `@OnHandoff('die')`, which may still send to tidy up after a move
 */
export function whyVoid(
  { hosted: { gate, isPinned }, endReason, isOver }: Standing,
  now: number,
  act: Act,
  isDying: boolean,
): string | undefined {
  if (isPinned) return undefined;
  if (endReason === 'no-quorum' || endReason === 'conflict') return hasEnded(endReason);
  if (!gate.underLease) return undefined;
  const hasMoved = endReason === 'moved' || endReason === 'drained';
  if ((hasMoved && !(isDying && act === 'message')) || isOver) return hasEnded(endReason);
  return now > gate.openUntil ? 'has no lease there now' : undefined;
}

function hasEnded(reason: DieReason | undefined): string {
  return `has ended there (${reason})`;
}

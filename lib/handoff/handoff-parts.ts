import type { Copies } from '../registration/copies.js';
import type { Endings } from '../registration/endings.js';
import type { RegistrationParts } from '../registration/registration-parts.js';
import type { Supervisor } from '../registration/supervisor.js';
import type { PacedSender } from '../tracker/paced-sender.js';

/** What the handoff of workers is made of; one object, built by the kernel node. */
export interface HandoffParts extends RegistrationParts {
  readonly copies: Copies;
  readonly endings: Endings;
  readonly supervisor: Supervisor;
  /** Sends the frames of handoffs; those of a link that breaks are lost with it. */
  readonly sender: PacedSender;
  /** Sends their states: while a link is full of those, decisions need not wait behind them. */
  readonly stateSender: PacedSender;
  readonly handoff: { readonly timeoutMs: number; readonly concurrency: number; readonly forwardMs: number };
}

// What an error of the swarm says of the effect of the operation that failed with it.

/** `definite`: it has had no effect, and will have none. `indefinite`: it may have had one, or still have one. */
export type Outcome = 'definite' | 'indefinite';

/** `call`: a message that is answered. `change`: a registration or its end. */
export type OperationClass = 'call' | 'change';

type OutcomesByClass = Readonly<Record<OperationClass, Outcome>>;

/**
 * By `code` of the error. Where the words of an error leave it open, what the library does decides: an error that is
 * thrown on one way only before anything was done, and on another afterwards, is indefinite.
 */
export const OUTCOMES: Readonly<Record<string, Outcome | OutcomesByClass>> = {
  // Found out before anything was sent, or instead of it.
  ERR_SWARM_CONFIGURATION: 'definite',
  ERR_SWARM_INVALID_NAME: 'definite',
  ERR_SWARM_NOT_STARTED: 'definite',
  // An answer about the name: nothing was done, and it says what the name was at some time between.
  ERR_SWARM_ALREADY_REGISTERED: 'definite',
  ERR_SWARM_WORKER_NOT_FOUND: 'definite',
  ERR_SWARM_WORKER_TYPE_MISMATCH: 'definite',
  // Refused where the worker is, in place of being handled.
  ERR_SWARM_MAILBOX_FULL: 'definite',
  ERR_SWARM_UNKNOWN_PATTERN: 'definite',
  // Nobody knows what became of it.
  ERR_SWARM_CALL_TIMEOUT: 'indefinite',
  ERR_SWARM_OPERATION_TIMEOUT: 'indefinite',
  ERR_SWARM_NODE_UNAVAILABLE: 'indefinite',
  // The handler has run up to where it threw.
  ERR_SWARM_REMOTE: 'indefinite',
  // Also in place of an answer for which the link had no room.
  ERR_SWARM_LINK_OVERLOADED: 'indefinite',
  // Also for what is with another node when this one stops.
  ERR_SWARM_SHUTTING_DOWN: 'indefinite',
  // A registration whose owner was lost before it answered is tried again: it may have been effective at the first.
  ERR_SWARM_WORKER_START: 'indefinite',
  ERR_SWARM_UNKNOWN_WORKER_TYPE: 'indefinite',
  // The same; but a message is refused so only while no worker has got it.
  ERR_SWARM_NO_NODE_AVAILABLE: { call: 'definite', change: 'indefinite' },
  // It may be the answer that cannot travel; start arguments are looked at first.
  ERR_SWARM_PAYLOAD_TOO_LARGE: { call: 'indefinite', change: 'definite' },
  ERR_SWARM_UNSERIALIZABLE: { call: 'indefinite', change: 'definite' },
};

/**
 * Whether an operation that failed with an error of this code may have had an effect. Without the class of the operation
 * the answer is right for both.
 *
 * @throws RangeError for a code that no error of the library has
 */
export function outcomeOf(code: string, operation?: OperationClass): Outcome {
  const outcome = Object.hasOwn(OUTCOMES, code) ? OUTCOMES[code] : undefined;
  if (outcome === undefined) {
    throw new RangeError(
      `"${code}" is no known code of an error: write into OUTCOMES whether it leaves the effect open`,
    );
  }
  if (typeof outcome === 'string') return outcome;
  if (operation) return outcome[operation];
  return outcome.call === outcome.change ? outcome.call : 'indefinite';
}

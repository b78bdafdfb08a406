import type { OwedTurns } from '../runtime/owed-turns.js';
import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { PayloadCodec } from '../transport/payload.interface.js';
import type { Gate } from './gate.js';
import type { HeldAnswers } from './held-answers.js';
import type { MailboxMemory } from './mailbox-memory.js';
import type { MailboxTurns } from './mailbox-turns.js';
import type { WorkerDefinition } from './worker-definition.interface.js';
import type { WorkerServices } from './worker-host.interface.js';

/** What all activations of a node share. */
export interface ActivationParts {
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  readonly logger: KernelLogger;
  readonly services: WorkerServices;
  readonly turns: MailboxTurns;
  readonly mailboxMemory: MailboxMemory;
  /** Of all who change groups by their contexts. */
  readonly owedTurns: OwedTurns;
  readonly mailboxLimit: number;
  readonly maxPayloadBytes: number;
  /** Whether stacks travel to callers. */
  readonly debug: boolean;
  readonly observer: DispatchObserver | undefined;
  /** A method of a worker threw something that nobody else is told. */
  handlerFailed(type: string, name: string, pattern: string, error: unknown): void;
}

/** Until when workers may begin messages. One object for all workers of a type, read before each message. */
export interface DispatchGate {
  /** Monotonic time of the runtime. */
  readonly openUntil: number;
  /** Whether what their handlers have done counts no longer either. */
  readonly underLease: boolean;
}

/** Told of each message of a worker that is about to begin: for tests, and for who instruments an application. */
export interface DispatchObserver {
  /** The id of the node is known; before anything else, and once. */
  attached?(node: string): void;
  /** `checkedAt`: the monotonic time of the runtime that was compared with `DispatchGate.openUntil`. */
  dispatching(name: string, type: string, fence: number, checkedAt: number): void;
}

/** What all activations of one type share: one field of each instead of many. */
export interface HostedType {
  readonly definition: WorkerDefinition;
  /** Objects of the user (`registerLocal`): neither started, nor asked, nor ended by calls on them. */
  readonly isPinned: boolean;
  readonly gate: Gate;
  readonly held: HeldAnswers;
  readonly parts: ActivationParts;
}

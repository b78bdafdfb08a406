import type { KernelLogger, Runtime } from '../runtime/runtime.interface.js';
import type { PayloadCodec } from '../transport/payload.interface.js';
import type { WorkerDefinition } from './worker-definition.interface.js';
import type { WorkerServices } from './worker-host.interface.js';

/** What all activations of a node share. */
export interface ActivationParts {
  readonly runtime: Runtime;
  readonly codec: PayloadCodec;
  readonly logger: KernelLogger;
  readonly services: WorkerServices;
  readonly mailboxLimit: number;
  readonly maxPayloadBytes: number;
  /** Whether stacks travel to callers. */
  readonly debug: boolean;
  /** A method of a worker threw something that nobody else is told. */
  handlerFailed(type: string, name: string, pattern: string, error: unknown): void;
}

/** Whether workers may handle messages now. One object for all workers of a type, read before each message. */
export interface DispatchGate {
  readonly open: boolean;
}

/** What all activations of one type share: one field of each instead of many. */
export interface HostedType {
  readonly definition: WorkerDefinition;
  /** Objects of the user (`registerLocal`): neither started, nor asked, nor ended by calls on them. */
  readonly isPinned: boolean;
  readonly gate: DispatchGate;
  readonly parts: ActivationParts;
}

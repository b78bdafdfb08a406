import { SwarmError } from './swarm.error.js';

/** A `WorkerRef` to a worker of unknown class. Written out here because `errors/` may not import from `services/`. */
export interface HolderRef {
  readonly name: string;
  readonly type: string;
  readonly node: string | undefined;
  readonly fence: number | undefined;
  call(
    pattern: string,
    data?: unknown,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<unknown>;
  cast(pattern: string, data?: unknown): void;
  toJSON(): { name: string; node: string | undefined; type: string; fence: number | undefined };
}

/** `instanceof` takes `any` for a type parameter; without this nothing that is done with the ref would be checked. */
type Known<R> = 0 extends 1 & R ? HolderRef : R;

/**
 * The name is taken; `ref` is the `WorkerRef` of the worker that holds it. Use `registerOrGet` where that is no error.
 *
 * @typeParam R type of the ref where the class is known: `error as AlreadyRegisteredError<WorkerRef<DeviceWorker>>`
 */
export class AlreadyRegisteredError<R extends { readonly name: string } = HolderRef> extends SwarmError {
  readonly code = 'ERR_SWARM_ALREADY_REGISTERED';
  readonly ref: Known<R>;

  // Nodes make refs without knowing what they can do.
  constructor(ref: { readonly name: string }) {
    super(`"${ref.name}" is already registered`, 409);
    this.ref = ref as Known<R>;
  }
}

import { SwarmError } from './swarm.error.js';

/** The name is taken; `ref` reaches the worker that holds it. Use `registerOrGet` where that is no error. */
export class AlreadyRegisteredError<
  R extends { readonly name: string } = { readonly name: string },
> extends SwarmError {
  readonly code = 'ERR_SWARM_ALREADY_REGISTERED';

  constructor(readonly ref: R) {
    super(`"${ref.name}" is already registered`, 409);
  }
}

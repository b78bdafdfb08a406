import { SwarmError } from './swarm.error.js';

/**
 * Everything that is wrong with the options and the workers of an application, found at boot, in one error; or with
 * the class that a service was given. Each fault says what to write instead.
 */
export class SwarmConfigurationError extends SwarmError {
  readonly code = 'ERR_SWARM_CONFIGURATION';

  constructor(
    readonly faults: readonly string[],
    what = 'the swarm cannot start',
  ) {
    super(`${what}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`, 500);
  }
}

import { SwarmError } from './swarm.error.js';

/** The encoded value is larger than `maxPayloadBytes` (`maxArgsBytes` for start arguments) allows. */
export class PayloadTooLargeError extends SwarmError {
  readonly code = 'ERR_SWARM_PAYLOAD_TOO_LARGE';

  constructor(
    readonly what: string,
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(`${what} has ${bytes} bytes, ${maxBytes} are allowed`, 413);
  }
}

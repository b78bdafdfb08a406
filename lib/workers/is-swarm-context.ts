import type { ArgumentsHost } from '@nestjs/common';

/**
 * Whether a guard, interceptor or filter runs for a message of the swarm (and not for HTTP, say).
 *
 * In such a context `host.switchToRpc().getData()` is the message and `.getContext()` the `SwarmContext`.
 */
export function isSwarmContext(host: ArgumentsHost): boolean {
  return host.getType<string>() === 'swarm';
}

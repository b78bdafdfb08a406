import { SwarmConfigurationError } from '../../errors/index.js';
import { addressKey, type Address } from '../node-info.js';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there: choose another port, or 0 for any free one',
  EADDRNOTAVAIL: 'this machine has no such address: `listen` must be one of its own, or 0.0.0.0',
  EACCES: 'this process may not: ports below 1024 need a privilege',
  ENOTFOUND: 'the name has no address',
};

/** The error for an address that could not be bound. */
export function listenError(
  address: Address,
  error: Error & { readonly code?: string },
): SwarmConfigurationError {
  const reason = REASONS[error.code ?? ''] ?? error.message;
  return new SwarmConfigurationError([
    `cannot listen on ${addressKey(address)}: ${reason} (${error.code ?? 'unknown'})`,
  ]);
}

import { isLoopback } from './transport/loopback.js';
import type { ResolvedSwarmOptions } from './swarm-options.resolution.js';

/** A shorter secret can be guessed by a machine in a short while. */
const SHORT_SECRET = 16;

/** What an operator should know about the protection of this node's links, one line each. Shows no secret. */
export function securityWarnings({
  kernel,
  listen,
  secrets,
  tls,
}: Pick<ResolvedSwarmOptions, 'kernel' | 'listen' | 'secrets' | 'tls'>): string[] {
  const isOpen = ![kernel.node.host, listen].every(isLoopback);
  const warnings: string[] = [];
  if (isOpen && !tls)
    warnings.push(
      'links are not encrypted, and their frames are not signed after the secret was proved: whoever is between two nodes can read and change them; set tls, or keep their network to yourself',
    );
  if (secrets.some((secret) => secret.length < SHORT_SECRET))
    warnings.push(
      `a secret has fewer than ${SHORT_SECRET} characters and may be guessed; take what \`openssl rand -base64 32\` prints`,
    );
  return warnings;
}

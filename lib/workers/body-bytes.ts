import type { Body } from './worker-host.interface.js';

/** How many bytes the body of a message holds: those that came over a link. What was copied within this node has none. */
export function bodyBytes(body: Body): number {
  return 'bytes' in body ? body.bytes.length : 0;
}

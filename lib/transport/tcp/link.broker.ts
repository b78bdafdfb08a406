import type { Socket } from 'node:net';

import type { Runtime } from '../../runtime/runtime.interface.js';
import type { Address, Hello, NodeId, Refusal } from '../node-info.js';
import type { DialOutcome } from '../transport.interface.js';
import type { Sockets } from './sockets.js';
import type { TcpLimits } from './tcp.limits.js';
import type { SecretKeys } from './secret.proof.js';
import type { TcpLink } from './tcp.link.js';
import type { UnitSplitter } from './unit.splitter.js';

/** What the two sides of a handshake ask of the transport: it alone knows the links and the kernel. */
export interface LinkBroker {
  readonly runtime: Runtime;
  readonly limits: TcpLimits;
  readonly sockets: Sockets;
  /** Proofs of the swarm's secret. */
  readonly keys: SecretKeys;
  hello(): Hello;
  admit(peer: Hello): Refusal | undefined;
  linkOf(peer: NodeId): TcpLink | undefined;
  /** Makes the connection the link with that peer, in place of an older one. */
  openLink(peer: Hello, connection: { readonly socket: Socket; readonly splitter: UnitSplitter }): void;
  dialed(address: Address, outcome: DialOutcome): void;
  /** Somebody with a larger id has knocked. */
  nudged(peer: Hello): void;
  refused(peer: Hello, refusal: Refusal): void;
  /** Somebody has dialled this node, and then would not have it. */
  refusedBy(peer: Hello, refusal: Refusal): void;
  garbage(from: string, reason: string): void;
  /** Somebody from there could not prove that it belongs to this swarm. */
  stranger(from: string, reason: string): void;
  settle(): void;
  counted(counter: string): void;
}

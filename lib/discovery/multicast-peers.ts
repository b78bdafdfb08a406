import { type Address, addressKey } from '../transport/node-info.js';
import type { MulticastMessage } from './multicast-message.js';

/** Five rounds of a node that is up: one that is not heard for so long is gone, or cut off. */
const SILENCE_MS = 15_000;
/** How long the last sequence of one that said goodbye is kept, so that an older word of it does not bring it back. */
const GOODBYE_MS = 60_000;
const MAX_PEERS = 1_024;

interface Peer {
  readonly address: Address;
  readonly sequence: number;
  readonly isHere: boolean;
  readonly until: number;
}

/** Who was heard by multicast of late. */
export class MulticastPeers {
  private readonly peers = new Map<string, Peer>();

  /** Whether somebody was heard that was not there. Of more than 1,024 the further ones are not remembered. */
  hear({ instance, sequence, kind, address }: MulticastMessage, now: number): boolean {
    const known = this.peers.get(instance);
    if (known !== undefined && sequence <= known.sequence) return false;
    if (known === undefined && this.peers.size >= MAX_PEERS && !this.forgetSilent(now)) return false;
    const isHere = kind === 'here';
    const until = now + (isHere ? SILENCE_MS : GOODBYE_MS);
    this.peers.set(instance, { address, sequence, isHere, until });
    return isHere && (known === undefined || !known.isHere);
  }

  candidates(now: number): readonly Address[] {
    this.forgetSilent(now);
    const here = [...this.peers.values()].filter(({ isHere }) => isHere);
    return [...new Map(here.map(({ address }) => [addressKey(address), address])).values()];
  }

  clear(): void {
    this.peers.clear();
  }

  /** Whether there is room then. */
  private forgetSilent(now: number): boolean {
    for (const [instance, { until }] of this.peers) if (until < now) this.peers.delete(instance);
    return this.peers.size < MAX_PEERS;
  }
}

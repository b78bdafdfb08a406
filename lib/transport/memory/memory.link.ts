import type { Frame } from '../frame.js';
import type { Address, Hello } from '../node-info.js';
import type { MemoryNetwork } from './memory.network.js';

/** What travels on one direction of a link. */
export type Parcel = { readonly frame: Frame } | { readonly confirm: Hello } | { readonly closed: string };

/** One direction of a connection between two transports: parcels arrive in order, or wait while it is cut. */
export class MemoryChannel {
  private readonly held: Parcel[] = [];
  private arrivesAt = 0;
  /** When all that was sent is on its way. */
  private freeAt = 0;
  private inFlight = 0;
  /** What was sent before the last `drop` never arrives. */
  private generation = 0;
  framesSent = 0;

  constructor(
    private readonly network: MemoryNetwork,
    readonly from: Address,
    readonly to: Address,
    private readonly receive: (parcel: Parcel) => void,
  ) {}

  get waiting(): number {
    return this.held.length + this.inFlight;
  }

  send(parcel: Parcel): void {
    if ('frame' in parcel) {
      this.framesSent++;
      if (this.network.loses(this.from, this.to, parcel.frame)) return;
    }
    if (this.held.length > 0 || this.network.isCut(this.from, this.to)) this.held.push(parcel);
    else this.deliver(parcel);
  }

  /** What is in flight never arrives. */
  drop(): void {
    this.generation++;
    this.held.length = 0;
  }

  /** What was held back travels on, unless the way is still cut. */
  release(): void {
    if (this.network.isCut(this.from, this.to)) return;
    for (const parcel of this.held.splice(0)) this.deliver(parcel);
  }

  private deliver(parcel: Parcel): void {
    const { runtime } = this.network;
    const now = runtime.now();
    this.freeAt =
      Math.max(this.freeAt, now) + ('frame' in parcel ? this.network.transmitMs(parcel.frame) : 0);
    this.arrivesAt = Math.max(this.arrivesAt, this.freeAt + this.network.latencyMs());
    this.inFlight++;
    const { generation } = this;
    const arrive = (): void => {
      this.inFlight--;
      if (generation === this.generation) this.receive(parcel);
    };
    if (this.arrivesAt <= now) runtime.defer(arrive);
    else runtime.after(this.arrivesAt - now, arrive);
  }
}

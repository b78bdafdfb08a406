import { NodeRuntime } from '../runtime/node.runtime.js';

/** Real time with repeatable randomness. */
export class SeededRuntime extends NodeRuntime {
  constructor(private state: number) {
    super();
  }

  /** mulberry32 by Tommy Ettinger: enough for jitter, one integer of state. */
  override random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
}

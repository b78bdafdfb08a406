import { rateOf } from './load.js';
import { serve } from './serve.js';

/** What calls on one node are measured against: a method that is called without anything between. */
class Counter {
  private total = 0;

  async add({ add }: { add: number }): Promise<number> {
    return (this.total += add);
  }
}

const counter = new Counter();

serve('', {
  callRate: (width: number, forMs: number) => rateOf(width, forMs, () => counter.add({ add: 1 })),
});

import type { Runtime } from '../runtime/runtime.interface.js';
import { SwarmContext } from './swarm-context.js';
import type { WorkerContext } from './worker-context.js';
import type { Delivery } from './worker-host.interface.js';

/** The context of one message. Made for each: it holds what is there already, and looks into it when asked. */
export class OwnSwarmContext extends SwarmContext {
  constructor(
    private readonly delivery: Delivery,
    private readonly activation: { readonly context: WorkerContext },
    private readonly runtime: Runtime,
  ) {
    super();
  }

  get worker(): WorkerContext {
    return this.activation.context;
  }

  get pattern(): string {
    return this.delivery.pattern;
  }

  get from(): string {
    return this.delivery.from;
  }

  get deadline(): number | undefined {
    const { deadline } = this.delivery;
    if (deadline === Infinity) return undefined;
    return Math.round(this.runtime.wallClock() + deadline - this.runtime.now());
  }
}

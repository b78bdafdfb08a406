import { Injectable, type Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { SwarmEvent } from '../events/index.js';
import type { SwarmNode, SwarmSnapshot } from '../node/swarm-snapshot.js';
import { assertName } from '../workers/name-rules.js';
import { KernelHolder } from './kernel.holder.js';
import { checkedOptions } from './messages.js';
import { typeNameOf } from './registry-filter.js';

/** What this node knows of the swarm. Throws as `SwarmRegistry` does when the node is not started or is stopping. */
@Injectable()
export class SwarmCluster {
  /**
   * What happens on this node: nodes that come and go, workers that start and stop here, messages that were dropped.
   * Hot; may be subscribed to from `onModuleInit` on, and completes when the node stops.
   */
  readonly events$: Observable<SwarmEvent>;

  constructor(private readonly holder: KernelHolder) {
    this.events$ = holder.events.asObservable();
  }

  /** This node. */
  get self(): SwarmNode {
    return this.holder.kernel.self;
  }

  /** The members of the swarm as this node sees them, itself included. */
  nodes(): SwarmNode[] {
    return this.holder.kernel.nodes();
  }

  /**
   * Id of the node where the strategy places a name, whether or not it is registered; `undefined` if no node may host
   * it. A worker runs elsewhere while it has not been moved, and where `registerLocal` pinned it.
   *
   * @param worker class or type, for only the nodes that provide it; else the registered row's type, else any
   */
  ownerOf(name: string, worker?: Type<unknown> | string): string | undefined {
    const { kernel } = this.holder;
    assertName('the name', name);
    return kernel.ownerOf(name, worker === undefined ? undefined : typeNameOf(worker));
  }

  /**
   * Resolves when this node is up and sees at least so many nodes, itself included.
   *
   * @param options `nodes`, by default 1; `timeoutMs`, by default `readyTimeoutMs` of the module
   * @throws OperationTimeoutError
   */
  async ready(options: { readonly nodes?: number; readonly timeoutMs?: number } = {}): Promise<void> {
    const { kernel } = this.holder;
    const { nodes } = options;
    if (nodes !== undefined && !(Number.isSafeInteger(nodes) && nodes >= 1)) {
      throw new RangeError(`nodes must be a whole number of at least 1, not ${String(nodes)}`);
    }
    await kernel.ready({ ...(nodes !== undefined && { nodes }), ...checkedOptions(options) });
  }

  /**
   * This node's whole view at one moment: members, ring, rows by node, sequence numbers, queues, counters. For people
   * and tests; its form may change.
   *
   * After looking into Elixir's swarm by `:sys.get_state(Swarm.Tracker)`.
   */
  inspect(): SwarmSnapshot {
    return this.holder.kernel.inspect();
  }
}

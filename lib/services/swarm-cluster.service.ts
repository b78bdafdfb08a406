import { Injectable, type Type } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { SwarmEvent } from '../events/index.js';
import type { DrainReport } from '../handoff/drain-report.js';
import type { PlacementExplanation } from '../node/placement-explanation.interface.js';
import type { SwarmNode, SwarmSnapshot } from '../node/swarm-snapshot.interface.js';
import { assertName } from '../workers/name-rules.js';
import { KernelHolder } from './kernel.holder.js';
import { checkedOptions } from './messages.js';
import { typeNameOf } from './registry-filter.js';
import { inSubscriberScope } from './subscriber-scope.js';

/**
 * What this node knows of the swarm, and how it leaves it. Besides what a method lists, each throws what all of
 * `SwarmRegistry` throw.
 */
@Injectable()
export class SwarmCluster {
  /**
   * What happens on this node, a union by `type` (see `SwarmEventContent`): nodes that come, go or are suspected; fences,
   * leases and quorums; workers that start, move away, fail and end here; names that ran twice; messages that were lost.
   *
   * Hot; may be subscribed to from `onModuleInit` on. Goes on during a drain, so that a subscriber sees what became of
   * the workers, and completes when the application closes.
   */
  readonly events$: Observable<SwarmEvent>;

  constructor(private readonly holder: KernelHolder) {
    this.events$ = inSubscriberScope(holder.events);
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
   * @throws OperationTimeoutError, RangeError if `nodes` is no whole number of at least 1
   */
  ready(
    options: { readonly nodes?: number | undefined; readonly timeoutMs?: number | undefined } = {},
  ): Promise<void> {
    return this.holder.ask(async (kernel) => {
      const { nodes } = options;
      if (nodes !== undefined && !(Number.isSafeInteger(nodes) && nodes >= 1)) {
        throw new RangeError(`nodes must be a whole number of at least 1, not ${String(nodes)}`);
      }
      await kernel.ready({ ...(nodes !== undefined && { nodes }), ...checkedOptions(options) });
    });
  }

  /**
   * Resolves when nothing is under way on this node: no start, restart or move of a worker, no conflict, no sync with
   * another node. For tests, and for scripts that wait until a change of the swarm has had its effect; other nodes may
   * still be busy, and something new may begin in the next moment.
   *
   * @param options `timeoutMs`, by default `settledTimeoutMs` of the module
   * @throws OperationTimeoutError that says what is under way, ShuttingDownError
   */
  settled(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    return this.holder.ask((kernel) => kernel.settled(checkedOptions(options)));
  }

  /**
   * Takes this node out of the swarm without losing anything. The other nodes place no more names here, every worker is
   * handed off to the node where it belongs then, with the state of its `@OnHandoff('begin')`, messages that still come
   * are passed on, and the node leaves. Callers notice nothing.
   *
   * Closing the application does the same, before any `onModuleDestroy` of it runs, so most applications need not call
   * this; call it to take a node out while its process lives on. Idempotent: all callers, `app.close()` too, share one
   * drain with the deadline of the first, and get the same report. It cannot be taken back. While workers are handed
   * off everything works; afterwards all that uses the swarm throws `ShuttingDownError`.
   *
   * A worker that is not handed off in time, that answered `ignore()`, whose `begin` failed, or that no other node may
   * host ends here, and others start it anew without its state; the report and the log name it. Objects of
   * `registerLocal` are gone with this node and not counted.
   *
   * On Kubernetes: call `app.enableShutdownHooks()`, and SIGTERM drains. A `preStop` hook is not needed for that; one
   * that sleeps some seconds lets the load balancer turn to other pods first. The pod is killed
   * `terminationGracePeriodSeconds` (30) after the `preStop` hook began, so that, the drain, and what the application
   * closes after it must fit in: `drain.timeoutMs` is 25 seconds by default.
   *
   * @param options `timeoutMs`, by default `drain.timeoutMs` of the module
   * @returns how many workers moved, and which did not and why; it does not reject because of those
   * @throws NotStartedError, RangeError
   */
  drain(options: { readonly timeoutMs?: number | undefined } = {}): Promise<DrainReport> {
    return this.holder.ask((kernel) => kernel.drain(checkedOptions(options)));
  }

  /**
   * Why a name is where it is, as this node sees it: its row, where the strategy places it and why it is not there, why
   * each member may or may not host it, and what happened to it lately. For people who look for a worker that is
   * missing or misplaced, and for tests; its form may change.
   *
   * @throws InvalidNameError
   */
  explain(name: string): PlacementExplanation {
    const { kernel } = this.holder;
    assertName('the name', name);
    return kernel.explain(name);
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

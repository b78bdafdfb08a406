import { setTimeout as pause } from 'node:timers/promises';

import type { Address } from '../transport/node-info.js';
import type { DiscoveryContext, DiscoveryProvider } from './discovery-provider.interface.js';
import { EndpointSlices } from './endpoint-slices.js';
import { GoneError, KubernetesApi, type WatchEvent } from './kubernetes-api.js';
import { resolveKubernetesOptions, type KubernetesOptions } from './kubernetes-options.js';
import { ToldFault } from './told-fault.js';

/** Before the API server is asked again after a failure; doubles with each one in a row, up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** What is needed of `KubernetesApi`. */
export type EndpointSlicesApi = Pick<KubernetesApi, 'list' | 'watch'>;

/**
 * Nodes are the pods behind a service: its EndpointSlices (`discovery.k8s.io/v1`, Kubernetes 1.21 and newer) are listed
 * and then watched, so that a new pod is found as soon as Kubernetes knows its address, without the delays and caches of
 * DNS. Pods that are not ready count: readiness may wait for the swarm. At most 1,024 candidates are taken.
 *
 * The pod shows the token of its service account, which needs a Role with `list` and `watch` on `endpointslices` (API
 * group `discovery.k8s.io`) in that namespace; without one the failure says so. While the API server cannot be reached,
 * what it said last counts.
 *
 * Where a pod may not ask the API, `dns` with a headless service finds the same pods.
 *
 * @throws SwarmConfigurationError with all that is wrong with the options
 */
export function kubernetes(options: KubernetesOptions): DiscoveryProvider {
  const resolved = resolveKubernetesOptions(options);
  return new KubernetesDiscovery(
    `kubernetes(${resolved.title})`,
    new EndpointSlices(resolved.port),
    new KubernetesApi(resolved, process.env),
  );
}

/** See `kubernetes`. */
export class KubernetesDiscovery implements DiscoveryProvider {
  private context: DiscoveryContext | undefined;
  private life = new AbortController();
  private firstAnswer: Promise<void> | undefined;
  private failure: Error | undefined;
  private readonly fault = new ToldFault();
  private known = '';

  constructor(
    readonly name: string,
    private readonly slices: EndpointSlices,
    private readonly api: EndpointSlicesApi,
    private readonly random: () => number = Math.random,
  ) {}

  async start(context: DiscoveryContext): Promise<void> {
    this.context = context;
    this.life = new AbortController();
    this.firstAnswer = new Promise((resolve) => void this.follow(this.life.signal, resolve));
  }

  /** Waits for the first answer of the API server, whichever it is; asks nothing itself. */
  async candidates(): Promise<readonly Address[]> {
    await this.firstAnswer;
    return this.fault.unless(this.failure ?? this.slices.fault, this.slices.candidates);
  }

  async stop(): Promise<void> {
    this.context = undefined;
    this.life.abort();
  }

  /** Lists, watches from there on, and begins anew after every failure, until it is stopped. */
  private async follow(signal: AbortSignal, answered: () => void): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const { items, resourceVersion } = await this.api.list(signal);
        this.slices.replace(items);
        this.tellChange();
        for (let version = resourceVersion; !signal.aborted;) {
          const events = await this.api.watch(version, signal);
          // Only now: where a list is allowed and a watch is not, it would be told again with every list.
          this.failure = undefined;
          answered();
          version = await this.take(events, version);
          failures = 0;
          // One that ends each watch at once is not asked without a pause; nothing is lost between two.
          await this.backOff(1, signal);
        }
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        // What is too old is no failure, but the way in which the API server forgets.
        if (!(error instanceof GoneError) || failures > 1) this.fail(error);
        answered();
        await this.backOff(failures, signal);
      }
    }
    answered();
  }

  /** Until the watch ends; the version to watch from then on. */
  private async take(events: AsyncIterable<WatchEvent>, from: string): Promise<string> {
    let version = from;
    for await (const { type, object } of events) {
      if (type === 'ADDED' || type === 'MODIFIED') this.slices.put(object);
      else if (type === 'DELETED') this.slices.delete(object);
      version = versionOf(object) ?? version;
      this.tellChange();
    }
    return version;
  }

  private tellChange(): void {
    const known = JSON.stringify(this.slices.candidates);
    if (known === this.known) return;
    this.known = known;
    this.context?.changed();
  }

  private fail(error: unknown): void {
    const isFirst = this.failure === undefined;
    this.failure = error instanceof Error ? error : new Error(String(error));
    // The next round tells it.
    if (isFirst) this.context?.changed();
  }

  private async backOff(failures: number, signal: AbortSignal): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    await pause(longest * (0.5 + this.random() / 2), undefined, { signal, ref: false }).catch(
      () => undefined,
    );
  }
}

function versionOf(object: WatchEvent['object']): string | undefined {
  const { resourceVersion } = (object['metadata'] ?? {}) as { resourceVersion?: unknown };
  return typeof resourceVersion === 'string' ? resourceVersion : undefined;
}

/** A change of the local replica of the registry, as `SwarmRegistry.watch` tells it. */
export interface RegistryEvent {
  /** `registered`: the name became visible; `updated`: its node, fence or groups changed; `unregistered`: it is gone. */
  readonly type: 'registered' | 'updated' | 'unregistered';
  readonly name: string;
  readonly workerType: string;
  readonly node: string;
  readonly fence: number;
  readonly groups: readonly string[];
}

import { isIP } from 'node:net';

import { addressKey, type Address } from '../transport/node-info.js';
import type { ResolvedKubernetesOptions } from './kubernetes-options.js';
import { isHostName, isPort } from './peer-address.js';

/** One that is reached tells of all others; what many more stand behind is not one swarm. */
const MAX_CANDIDATES = 1_024;
/** Kubernetes puts 100 endpoints into a slice. */
const MAX_SLICES = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/** A part of the addresses behind a service, of those fields that matter here. */
interface Slice {
  readonly hosts: readonly string[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

/**
 * What the API server has told of EndpointSlices (`discovery.k8s.io/v1`). Pods count that are not ready: readiness may
 * wait for the swarm; and those that end, which may still hand over what they run.
 */
export class EndpointSlices {
  private slices = new Map<string, Slice>();

  constructor(private readonly port: ResolvedKubernetesOptions['port']) {}

  /** What a list has shown is all there is. */
  replace(items: readonly unknown[]): void {
    this.slices = new Map();
    for (const item of items) this.put(item);
  }

  /** An added or a changed slice. */
  put(item: unknown): void {
    const name = nameOf(item);
    if (name === undefined) return;
    if (this.slices.size >= MAX_SLICES && !this.slices.has(name)) return;
    this.slices.set(name, sliceOf(item as Fields));
  }

  delete(item: unknown): void {
    const name = nameOf(item);
    if (name !== undefined) this.slices.delete(name);
  }

  /** At most 1,024, each once. */
  get candidates(): readonly Address[] {
    const found = new Map<string, Address>();
    for (const slice of this.slices.values()) {
      const port = this.portOf(slice);
      if (port === undefined) continue;
      for (const host of slice.hosts) {
        if (found.size === MAX_CANDIDATES) return [...found.values()];
        const address = { host, port };
        found.set(addressKey(address), address);
      }
    }
    return [...found.values()];
  }

  /** Why there are endpoints and no candidates; `undefined` if there is nothing wrong. */
  get fault(): Error | undefined {
    const { port } = this;
    const slices = [...this.slices.values()].filter(({ hosts }) => hosts.length > 0);
    if (typeof port === 'number' || slices.length === 0) return undefined;
    if (slices.some((slice) => this.portOf(slice) !== undefined)) return undefined;
    const names = [...new Set(slices.flatMap(({ ports }) => ports.map(({ name }) => name || '(no name)')))];
    return new Error(`no port of the service is called ${port.name}; it has ${names.join(', ') || 'none'}`);
  }

  private portOf({ ports }: Slice): number | undefined {
    const { port } = this;
    if (typeof port === 'number') return port;
    return ports.find(({ name }) => name === port.name)?.port ?? port.otherwise;
  }
}

function nameOf(item: unknown): string | undefined {
  const name = fields(fields(item)['metadata'])['name'];
  return typeof name === 'string' ? name : undefined;
}

function sliceOf(item: Fields): Slice {
  return {
    hosts: list(item['endpoints']).flatMap((endpoint) => list(fields(endpoint)['addresses']).filter(isHost)),
    ports: list(item['ports']).flatMap((entry) => {
      const { name = '', port } = fields(entry);
      return typeof name === 'string' && isPort(port) ? [{ name, port }] : [];
    }),
  };
}

function isHost(value: unknown): value is string {
  return typeof value === 'string' && (isIP(value) !== 0 || isHostName(value));
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The API omits lists that are empty, or gives `null`. */
function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

import { vi } from 'vitest';
import type { Kernel, RegistryRow } from '../../../lib/node/kernel.interface.js';
import type { RegistryEvent, SwarmEvent } from '../../../lib/events/index.js';
import type { DrainReport } from '../../../lib/handoff/drain-report.js';
import { KernelHolder } from '../../../lib/services/kernel.holder.js';
import { SwarmCluster } from '../../../lib/services/swarm-cluster.service.js';
import { SwarmGroups } from '../../../lib/services/swarm-groups.service.js';
import { SwarmRegistry } from '../../../lib/services/swarm-registry.service.js';
import { WorkerRefs } from '../../../lib/services/worker-ref.js';

export function row(name: string, type = 'Device', more: Partial<RegistryRow> = {}): RegistryRow {
  return { name, type, node: 'a@127.0.0.1:1', fence: 1, groups: [], ...more };
}

/** The services of a node that is a table of rows; what they ask of it is recorded. */
export function servicesOver(rows: RegistryRow[], more: object = {}) {
  const table = new Map(rows.map((item) => [item.name, item]));
  const tell: { event?: (event: SwarmEvent) => void; change?: (event: RegistryEvent) => void } = {};
  const base = {
    lookup: (name: string) => table.get(name),
    locate: vi.fn(async (name: string) => table.get(name)),
    rows: vi.fn((filter: { prefix?: string; group?: string }) =>
      rows
        .filter((item) => item.name.startsWith(filter.prefix ?? ''))
        .filter((item) => filter.group === undefined || item.groups.includes(filter.group))
        .values(),
    ),
    count: () => table.size,
    register: vi.fn(async (name: string, type: string) => row(name, type)),
    registerLocal: vi.fn(async (name: string, definition: { type: string }) => row(name, definition.type)),
    unregister: vi.fn(async (name: string) => table.delete(name)),
    call: vi.fn(async (name: string, call: { pattern: string; data: unknown }) => [
      name,
      call.pattern,
      call.data,
    ]),
    cast: vi.fn(),
    joinGroup: vi.fn(async () => {}),
    leaveGroup: vi.fn(async () => {}),
    members: () => rows,
    groups: () => ['g'],
    publish: vi.fn(() => 3),
    ready: vi.fn(async () => {}),
    settled: vi.fn(async () => {}),
    drain: vi.fn(async (): Promise<DrainReport> => ({ moved: 2, left: [], tookMs: 1 })),
    explain: vi.fn((name: string) => ({ name, status: 'unknown' })),
    ownerOf: vi.fn(() => 'a@127.0.0.1:1'),
    onEvent: (listener: (event: SwarmEvent) => void) => {
      tell.event = listener;
      return () => {};
    },
    onRegistryChange: (listener: (event: RegistryEvent) => void) => {
      tell.change = listener;
      return () => {};
    },
  };
  const kernel: typeof base & Record<string, unknown> = { ...base, ...more };
  const holder = new KernelHolder();
  const refs = new WorkerRefs(holder);
  const services = {
    holder,
    refs,
    registry: new SwarmRegistry(holder, refs),
    groups: new SwarmGroups(holder, refs),
    cluster: new SwarmCluster(holder),
    kernel,
    table,
    tell,
  };
  return {
    ...services,
    start: () => {
      holder.hold(kernel as unknown as Kernel, () => ({ type: 'Local' }) as never);
      holder.follow();
      return services;
    },
  };
}

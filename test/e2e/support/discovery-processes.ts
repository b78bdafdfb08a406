// Processes of a swarm that find each other by what their environment says, and how long that took.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { expect } from 'vitest';

import { AppProcess } from './app-process.js';

/** What processes that start may take, and those that learn of each other when they are up. */
export const FORMED_WITHIN_MS = 3_000;

/** Whatever a test has opened, to be ended after it in reverse order. */
export class Opened {
  private readonly all: { end(): Promise<void> }[] = [];

  add<T extends { end(): Promise<void> }>(one: T): T {
    this.all.push(one);
    return one;
  }

  async end(): Promise<void> {
    for (const one of this.all.splice(0).toReversed()) await one.end();
  }
}

export function bind(port: number, host: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

/** One port on which nobody listens at any of the addresses. */
export async function sharedPort(addresses: readonly string[]): Promise<number> {
  const servers: Server[] = [];
  try {
    for (const address of addresses) {
      const bound = servers[0]?.address() ?? null;
      servers.push(await bind(typeof bound === 'object' && bound ? bound.port : 0, address));
    }
    const bound = servers[0]?.address() ?? null;
    if (typeof bound !== 'object' || bound === null) throw new Error('a port has no number');
    return bound.port;
  } finally {
    await Promise.all(servers.map((server) => once(server.close(), 'close')));
  }
}

export type Environment = Readonly<Record<string, string>>;

/** Starts a process per environment at once; `common` is part of each. */
export async function start(
  opened: Opened,
  common: Environment,
  environments: readonly Environment[],
): Promise<AppProcess[]> {
  const CLUSTER = `e2e-discovery-${process.pid}`;
  const starts = environments.map((env) => AppProcess.start('discovery.app', { CLUSTER, ...common, ...env }));
  const apps: AppProcess[] = [];
  for (const one of await Promise.allSettled(starts)) {
    if (one.status === 'rejected') throw one.reason;
    apps.push(opened.add(one.value));
  }
  return apps;
}

/**
 * When all of them saw all of them, by the clock of the machine, in milliseconds. They are one fleet then: a device that
 * one has registered is the same for all.
 */
export async function formed(apps: readonly AppProcess[]): Promise<number> {
  const at = Math.max(...(await Promise.all(apps.map((app) => app.ask<number>('formed', apps.length)))));
  await apps[0]!.ask('register', 'lamp');
  for (const [index, app] of apps.entries()) expect(await app.ask('record', 'lamp', 1)).toBe(index + 1);
  return at;
}

export async function began(apps: readonly AppProcess[]): Promise<number> {
  return Math.max(...(await Promise.all(apps.map((app) => app.ask<number>('began')))));
}

export function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export async function expectAlone(apps: readonly AppProcess[]): Promise<void> {
  for (const app of apps) expect(await app.ask('nodes')).toEqual([app.node]);
}

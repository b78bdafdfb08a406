// What must be true of a swarm whose network is whole again, whatever has happened to it.
import { expect } from 'vitest';
import type { CallersReport } from '../../e2e/apps/network/callers.js';
import { checkFences } from '../../support/fence-history.checker.js';
import { readHistories } from '../../support/fence-history.reader.js';
import { waitUntil } from '../../support/wait-until.js';
import type { NetworkSwarm, Prefix } from './network-swarm.js';
import { LEASE_MS } from './times.js';

/** P3: after nodes have met again. */
const ONCE_WITHIN_MS = 2_000;
/** P6: after the last change. */
const EQUAL_WITHIN_MS = 1_000;
/** By how much a caller may be told too late that it has waited for long enough, on a machine that is busy. */
const OVERDUE_MS = 1_000;

/** Fails unless P2, P3, P4, P6 and P7 hold. `keeps`: types that have lost nothing that was answered. */
export async function judge(swarm: NetworkSwarm, keeps: readonly Prefix[]): Promise<void> {
  await swarm.allUp();
  const metAt = performance.now();
  swarm.times['ring once'] = await livesOnce(swarm, 'ring-', metAt, ONCE_WITHIN_MS);
  // A quorum may have to wait until leases are over.
  swarm.times['quorum once'] = await livesOnce(swarm, 'once-', metAt, LEASE_MS + ONCE_WITHIN_MS);
  await swarm.all('settled');
  const restedAt = performance.now();
  const areEqual = async (): Promise<boolean> => new Set(await swarm.all('fingerprint')).size === 1;
  await explained(swarm, waitUntil(areEqual, 'P6: the registries are equal', EQUAL_WITHIN_MS));
  swarm.times['equal'] = performance.now() - restedAt;

  const reports = await swarm.all<CallersReport>('stopLoad');
  checkCallers(swarm, reports);
  await swarm.all('reach', swarm.allNames, ONCE_WITHIN_MS);
  for (const prefix of keeps) await checkTotals(swarm, prefix, reports);

  const history = await readHistories(swarm.histories);
  expect(history.some(({ kind }) => kind === 'begin')).toBe(true);
  expect(history.some(({ kind }) => kind === 'answer')).toBe(true);
  expect(checkFences(history).map(String)).toEqual([]);
}

/** P3 and P4: every name that was registered lives, once; how long that took since the nodes have met. */
async function livesOnce(
  swarm: NetworkSwarm,
  prefix: Prefix,
  metAt: number,
  withinMs: number,
): Promise<number> {
  const expected = [...swarm.names[prefix]].sort().join();
  const isOnce = async (): Promise<boolean> => {
    const hosted = (await swarm.all<Array<{ name: string }>>('hosted')).flat().map(({ name }) => name);
    const names = hosted.filter((name) => name.startsWith(prefix));
    return names.sort().join() === expected;
  };
  const leftMs = metAt + withinMs - performance.now();
  await explained(swarm, waitUntil(isOnce, `P3, P4: each ${prefix} lives once`, leftMs));
  return performance.now() - metAt;
}

/** P7: who calls is told something that makes sense, in time. */
function checkCallers(swarm: NetworkSwarm, reports: readonly CallersReport[]): void {
  expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
  for (const [place, { index }] of swarm.alive.entries()) {
    if (!swarm.heldUp.has(index))
      expect(reports[place]!.overdueMs, `deadlines on ${swarm.idOf(index)}`).toBeLessThan(OVERDUE_MS);
  }
}

/** P3 and P5: whoever was left has been given what the others had added. */
async function checkTotals(
  swarm: NetworkSwarm,
  prefix: Prefix,
  reports: readonly CallersReport[],
): Promise<void> {
  const { index } = swarm.alive[0]!;
  const lost = await Promise.all(
    swarm.names[prefix].map(async (name) => {
      const { total } = await swarm.ask<{ total: number }>(index, 'call', name, 'get', undefined, 2_000);
      const answered = reports.reduce((sum, { acknowledged }) => sum + (acknowledged[name] ?? 0), 0);
      return total < answered ? [`${name} counts ${total} of ${answered}`] : [];
    }),
  );
  expect(lost.flat(), 'nothing that was answered is lost').toEqual([]);
}

/** Says what nodes look like where a condition was not met. */
async function explained(swarm: NetworkSwarm, condition: Promise<void>): Promise<void> {
  try {
    await condition;
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${await described(swarm)}`, { cause: error });
  }
}

async function described(swarm: NetworkSwarm): Promise<string> {
  const hosts = new Map<string, number[]>(swarm.allNames.map((name) => [name, []]));
  const lines = await Promise.all(
    swarm.alive.map(async ({ index }) => {
      const hosted = await swarm.ask<Array<{ name: string }>>(index, 'hosted');
      for (const { name } of hosted) hosts.get(name)?.push(index);
      const { missing, leases, queues, moves, withoutQuorum } = await swarm.inspect(index);
      const state = JSON.stringify({ missing, leases, queues, moves: moves.slice(0, 5), withoutQuorum });
      return `${swarm.idOf(index)}: ${hosted.length} live here, ${await swarm.ask<string>(index, 'fingerprint')} ${state}`;
    }),
  );
  const wrong = [...hosts].filter(([, where]) => where.length !== 1).map(([name]) => name);
  lines.push(`${wrong.length} names do not live once`);
  for (const name of wrong.slice(0, 2)) {
    for (const { index } of swarm.alive)
      lines.push(`${name} on ${index}: ${JSON.stringify(await swarm.ask(index, 'explain', name))}`);
  }
  return lines.join('\n');
}
